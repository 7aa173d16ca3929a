"""A second reader, written from the text of bundles/FORMAT.md alone: makes members, order, sums and indexes anew and compares.

usage: format-reader.py BUNDLE...   (prints "ok" or what differs; no signature is looked at)
"""

import hashlib
import json
import re
import sys

BLOCK = 512
INDEX, LIST = "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGE, DOCKER = "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"
ENVELOPE = re.compile(
    r"application/(jose\+json|cose|vnd\.dev\.cosign\.simplesigning\.v1\+json|vnd\.dsse\.envelope\.v1\+json|pkix-crl|pkix-cert|ocsp-response"
    r"|vnd\.dev\.sigstore\.bundle.*|vnd\.sallyport\..*)"
)
FOREIGN = re.compile(r"application/vnd\.(docker\.image\.rootfs\.foreign\.diff|oci\.image\.layer\.nondistributable\.v1)\.tar.*")
MEMBERS = (
    "format requires channel purpose sequence audience previous map created validUntil exporter counts repositories generated"
    " omitted prerequisites"
).split()
SIGNATURE_TAG = re.compile(r"(sha256|sha512)-([0-9a-f]+)\.(sig|att|sbom)")


def sorted_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def ustar(name, size, kind):
    """Section 2."""
    length = b"%011o " % size if size < 2**33 else b"\x80\0\0\0" + size.to_bytes(8, "big")
    head = name.encode().ljust(100, b"\0") + b"000644 \0" + b"000000 \0" * 2 + length + b"00000000000 "
    tail = (kind + b"\0" * 100 + b"ustar\0" + b"00" + b"\0" * 64 + b"000000 \0" * 2).ljust(BLOCK - 156, b"\0")
    return head + b"%06o \0" % sum(head + b" " * 8 + tail) + tail


def header(name, size):
    if not name.startswith("blobs/sha512/"):
        return ustar(name, size, b"0")
    record = b"151 path=%s\n" % name.encode()
    return ustar("PaxHeader", len(record), b"x") + record.ljust(BLOCK, b"\0") + ustar("PaxHeader", size, b"0")


def members(tar):
    found, at = {}, 0
    while tar[at : at + BLOCK] != b"\0" * BLOCK:
        start = at
        if tar[at + 156 : at + 157] == b"x":
            name = re.match(rb"151 path=(.*)\n", tar[at + BLOCK : at + 2 * BLOCK])[1].decode()
            at += 2 * BLOCK
        else:
            name = tar[at : at + 100].rstrip(b"\0").decode()
        field = tar[at + 124 : at + 136]
        size = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(field, 8)
        at += BLOCK
        assert tar[start:at] == header(name, size), f"2: header of {name}"
        assert name not in found, f"3: {name} twice"
        found[name] = tar[at : at + size]
        end = at + -(-size // BLOCK) * BLOCK
        assert not any(tar[at + size : end]), f"2.4: padding of {name}"
        at = end
    assert tar[at:] == b"\0" * 1024, "2.6: end"
    return found


def group_names(files, channel, base):
    """Groups 2 and 3 of a channel, its targets below `base`."""
    folder = f"metadata/{channel}/"
    roots = sum(name.startswith(folder) and name.endswith(".root.json") for name in files)
    names = [f"{folder}{i + 1}.root.json" for i in range(roots)]
    names += [f"{folder}{part}.json" for part in ("timestamp", "snapshot", "targets")]
    promise = ["transfer.json", "SHA256SUMS", *(["SHA512SUMS"] if f"{base}SHA512SUMS" in files else []), "index.json"]
    return names + [base + name for name in promise]


def member_order(files, transfer):
    """Sections 3 and 13.2; what stands behind the promise of the bundle for its passengers."""
    names = ["oci-layout", *group_names(files, transfer["channel"], "")]
    aboard = []
    for passenger in transfer.get("passengers", []):
        aboard += group_names(files, passenger["channel"], f"passengers/{passenger['channel']}/")
    assert list(files)[: len(names + aboard)] == names + aboard, "3: order"
    assert all(name.startswith("blobs/") for name in list(files)[len(names + aboard) :]), "3: order"
    assert files["oci-layout"] == b'{"imageLayoutVersion":"1.0.0"}', "3: oci-layout"
    return aboard


def head(files, transfer, base=""):
    """Sections 4.4 to 4.6 and the agreement of 5; the SHA-256 that the bundle's id is made of."""
    folder = f"metadata/{transfer['channel']}/"
    roots = sum(name.startswith(folder) and name.endswith(".root.json") for name in files)
    newest = json.loads(files[f"{folder}{roots}.root.json"])["signed"]["x-sallyport"]
    assert newest == {"channel": transfer["channel"], "purpose": transfer["purpose"]}, "4.2"
    keys = len(json.loads(files[f"{folder}{roots}.root.json"])["signed"]["roles"]["targets"]["keyids"])
    parts, signed = {}, {}
    for part in ("timestamp", "snapshot", "targets"):
        slot = files[f"{folder}{part}.json"]
        parts[part] = json.loads(slot)
        signed[part] = sorted_json(parts[part]["signed"])
        text = b'{"signed":%s,"signatures":%s}' % (signed[part], sorted_json(parts[part]["signatures"]))
        length = 16384 if part != "targets" else BLOCK * -(-(len(signed[part]) + 10240 * keys) // BLOCK)
        assert slot == text.ljust(length - 1, b" ") + b"\n", f"4.4: {part}"
        mark = {"channel": transfer["channel"], "sequence": transfer["sequence"]}
        assert parts[part]["signed"]["x-sallyport"] == mark, f"4.5: {part}"
        assert parts[part]["signed"]["version"] == transfer["sequence"], f"4.5: {part}"
    listed = parts["timestamp"]["signed"]["meta"]["snapshot.json"]
    assert listed["hashes"]["sha256"] == hashlib.sha256(files[f"{folder}snapshot.json"]).hexdigest(), "4.5: snapshot"
    listed = parts["snapshot"]["signed"]["meta"]["targets.json"]
    assert listed["x-sallyport-signed-sha256"] == hashlib.sha256(signed["targets"]).hexdigest(), "4.6"
    assert parts["targets"]["signed"]["expires"] == transfer["validUntil"], "5: validUntil"
    promised = {n: (t["length"], t["hashes"]["sha256"]) for n, t in parts["targets"]["signed"]["targets"].items()}
    group = [name for name in group_names(files, transfer["channel"], base) if not name.startswith(folder)]
    made = {n[len(base) :]: (len(files[n]), hashlib.sha256(files[n]).hexdigest()) for n in group}
    assert promised == made, "6: targets"
    return listed["x-sallyport-signed-sha256"]


class Repository:
    """Section 9: what of group 4 a repository carries."""

    def __init__(self, promised, known, omitted, law, blob):
        self.promised, self.nodes, self.referrers, self.companions = promised, {}, {}, {}
        roots = [*promised["bindings"].values(), *promised["untagged"]]
        roots += [*promised["companions"].values(), *promised["referrers"]]
        stack = [(digest, known[digest]["mediaType"]) for digest in roots]
        while stack:
            digest, media_type = stack.pop()
            if digest in self.nodes or digest not in law:
                continue
            document = json.loads(blob(digest)) if media_type in (INDEX, LIST, IMAGE, DOCKER) else {}
            self.nodes[digest] = (media_type, document)
            for child in document["manifests"] if media_type in (INDEX, LIST) else []:
                if (promised["name"], digest, child["digest"]) not in omitted:
                    stack.append((child["digest"], child["mediaType"]))
        for digest in promised["referrers"]:
            self.referrers.setdefault(self.nodes[digest][1]["subject"]["digest"], []).append(digest)
        for tag, digest in promised["companions"].items():
            algorithm, digits, _ = SIGNATURE_TAG.fullmatch(tag).groups()
            self.companions.setdefault(f"{algorithm}:{digits}", []).append((tag, digest))

    def artifacts(self):
        """Sections 8.2 and 8.3."""
        bindings = self.promised["bindings"]
        for root in dict.fromkeys([*(bindings[tag] for tag in sorted(bindings)), *sorted(self.promised["untagged"])]):
            companions, seen = [], set()

            def tree(digest):
                if digest in seen:
                    return []
                seen.add(digest)
                media_type, document = self.nodes[digest]
                children = document["manifests"] if media_type in (INDEX, LIST) else []
                below = [met for child in children if child["digest"] in self.nodes for met in tree(child["digest"])]
                return [*below, digest]

            def attach(digests):
                for digest in digests:
                    tagged = [manifest for _, manifest in sorted(self.companions.get(digest, []))]
                    for attached in [*sorted(self.referrers.get(digest, [])), *tagged]:
                        added = tree(attached)
                        companions.extend(added)
                        attach(added)

            manifests = tree(root)
            attach(manifests)
            yield manifests + companions

    def blobs(self, digest):
        media_type, document = self.nodes[digest]
        if media_type not in (IMAGE, DOCKER):
            return []
        return [blob for blob in [document["config"], *(document.get("layers") or [])] if not FOREIGN.fullmatch(blob["mediaType"])]


    def omissions(self):
        """Section 5, those that manifests prove."""
        for of, (media_type, document) in sorted(self.nodes.items()):
            left_out = [(c, "platform") for c in document["manifests"] if c["digest"] not in self.nodes] if media_type in (INDEX, LIST) else []
            layers = (document.get("layers") or []) if media_type in (IMAGE, DOCKER) else []
            left_out += [(layer, "foreign-layer") for layer in layers if FOREIGN.fullmatch(layer["mediaType"])]
            for entry, why in left_out:
                platform = entry.get("platform") if why == "platform" else None
                parts = [platform.get(name) for name in ("os", "architecture", "variant")] if platform else []
                omission = {"repository": self.promised["name"], "of": of, "why": why}
                omission |= {name: entry[name] for name in ("digest", "mediaType", "size")}
                yield omission | ({"what": "/".join(filter(None, parts))} if platform else {})


def generated(repositories, blob):
    """Section 7: (subject, bytes) of each generated index."""
    united = {}
    for repository in repositories:
        for subject, digests in repository.referrers.items():
            for digest in digests:
                media_type, document = repository.nodes[digest]
                entry = {"mediaType": media_type, "digest": digest, "size": len(blob(digest))}
                kind = document.get("artifactType") or document.get("config", {}).get("mediaType")
                entry |= {"artifactType": kind} if kind else {}
                entry |= {"annotations": document["annotations"]} if document.get("annotations") else {}
                united.setdefault(subject, {})[digest] = entry
    return [(subject, index([entries[d] for d in sorted(entries)])) for subject, entries in sorted(united.items())]


def index(entries):
    return sorted_json({"manifests": entries, "mediaType": INDEX, "schemaVersion": 2})


def bundle_index(repositories, fallbacks, blob):
    entries = []

    def add(digest, media_type, **annotations):
        entry = {"mediaType": media_type, "digest": digest, "size": len(blob(digest))}
        entries.append(entry | ({"annotations": annotations} if annotations else {}))

    for repository in repositories:
        promised = repository.promised
        tags = promised["bindings"] | promised["companions"]
        for tag in sorted(tags):
            full = f"{promised['name']}:{tag}"
            names = {"org.opencontainers.image.ref.name": tag if len(repositories) == 1 else full, "io.containerd.image.name": full}
            add(tags[tag], repository.nodes[tags[tag]][0], **names)
        for digest in sorted(promised["untagged"]):
            add(digest, repository.nodes[digest][0])
    for subject, digest in fallbacks:
        algorithm, digits = subject.split(":")
        add(digest, INDEX, **{"org.opencontainers.image.ref.name": f"{algorithm}-{digits[:64]}"})
    return index(entries)


def announced(transfer):
    """Section 13.1."""
    passengers = transfer.get("passengers")
    assert transfer["requires"] == ([] if passengers is None else ["passengers"]), "13.1: requires"
    if passengers is not None:
        channels = [passenger["channel"] for passenger in passengers]
        assert 1 <= len(channels) <= 16 and channels == sorted(set(channels)), "13.1: channels"
        assert transfer["purpose"] == "content" and transfer["channel"] not in channels, "13.1: purpose"
        assert all(sorted(passenger) == ["channel", "id", "sequence"] for passenger in passengers), "13.1: members"


def taken_out(files, passenger, blobs):
    """Section 13.7, after 13.3: the members of a passenger's own bundle, once those of its head and promise are proven."""
    channel = passenger["channel"]
    base = f"passengers/{channel}/"
    transfer = json.loads(files[f"{base}transfer.json"])
    assert (transfer["channel"], transfer["sequence"]) == (channel, passenger["sequence"]), "13.3: transfer"
    assert transfer["purpose"] in ("revocation", "trust") and "passengers" not in transfer, "13.3: purpose"
    own = [f"local/sallyport/{transfer['purpose']}/{channel}"]
    assert [repository["name"] for repository in transfer["repositories"]] in ([], own), "13.3: repository"
    assert passenger["id"] == f"sha256:{head(files, transfer, base)}", "13.3: id"
    out = {"oci-layout": files["oci-layout"]}
    out |= {name.removeprefix(base): files[name] for name in group_names(files, channel, base)}
    lines = {algorithm: [] for algorithm in ("sha256", "sha512")}
    for line in (out["SHA256SUMS"] + out.get("SHA512SUMS", b"")).decode().splitlines():
        name = line.split("  ")[1]
        if name.startswith("blobs/"):
            lines[name[6:12]].append(name)
    for group in ("law", "payload"):
        for algorithm, names in lines.items():
            count = transfer["counts"][group][algorithm]
            out |= {name: files[name] for name in names[:count]}
            del names[:count]
    assert not any(lines.values()), "13.4: counts"
    law = [name for name in list(out) if name.startswith("blobs/")][: sum(transfer["counts"]["law"].values())]
    assert all(name[6:].replace("/", ":") in blobs["law"] for name in law), "13.4: law"
    return out


def natural(oid, list_der):
    """The INTEGER in an extension of a list, found by its name; None without one. Nothing else of the list is read here."""
    at = list_der.find(bytes.fromhex(f"0603551d{oid:02x}"))
    if at < 0:
        return None
    at += 5
    at += 3 if list_der[at] == 1 else 0
    assert list_der[at] == 4 and list_der[at + 2] == 2, "8.8: number"
    return str(int.from_bytes(list_der[at + 4 : at + 4 + list_der[at + 3]], "big"))


def revocation(transfer, repositories, blob):
    """Section 8.8, as far as it shows without certificates."""
    channel, kept = transfer["channel"], "local/sallyport/revocation/"
    names = [repository.promised["name"] for repository in repositories]
    assert transfer["purpose"] != "revocation" or names in ([], [kept + channel]), "8.8: purpose"
    assert all(name == kept + channel for name in names if name.startswith(kept)), "8.8: name"
    prefix, said = "application/vnd.sallyport.revocation.", "io.sallyport.revocation."
    for repository in repositories:
        promised = repository.promised
        if promised["name"] != kept + channel:
            continue
        assert f"/{promised['to']}".endswith(f"/sallyport/revocation/{channel}") and not promised["removed"], "8.8: to"
        assert not promised["untagged"] and not repository.referrers and not repository.companions, "8.8: beside"
        assert len(set(promised["bindings"].values())) == len(promised["bindings"]), "8.8: tags"
        for tag, digest in promised["bindings"].items():
            document = repository.nodes[digest][1]
            piece = document["artifactType"].removeprefix(prefix)
            notes = {name.removeprefix(said): value for name, value in document.get("annotations", {}).items()}
            if piece == "denials.v1":
                assert transfer["purpose"] == "revocation", "8.8: denials"
                key, own, layers = "denials", set(), [(prefix + piece, "denials.json", 8 << 20)]
            else:
                kind, under, mark, media_type, end, cap = {
                    "list.v1": ("list", "url", "number", "application/pkix-crl", "crl", 64 << 20),
                    "answer.v1": ("answer", "serial", "serial", "application/ocsp-response", "ocsp", 64 << 10),
                }[piece]
                kind = "delta" if "delta-base" in notes else kind
                held = (notes["issuer"] + "\n" + notes[under]).encode()
                key = f"{kind}-{hashlib.sha256(held).hexdigest()[:40]}"
                own = {"issuer", "url", mark, "this-update", "next-update"} | ({"delta-base"} if kind == "delta" else set())
                layers = [(media_type, f"{key}.{end}", cap), ("application/pkix-cert", f"{key}.crt", 64 << 10)]
                assert re.fullmatch(r"https?://[!-~]+", notes["url"], re.IGNORECASE) and len(notes["url"]) <= 4096, "8.8: url"
                if kind != "answer":
                    numbers = (natural(20, blob(document["layers"][0]["digest"])), natural(27, blob(document["layers"][0]["digest"])))
                    assert (notes["number"], notes.get("delta-base")) == numbers, "8.8: number"
            assert tag == key and set(notes) == own, f"8.8: {tag}"
            title = "org.opencontainers.image.title"
            form = {"schemaVersion": 2, "mediaType": IMAGE, "artifactType": prefix + piece}
            empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
            form |= {"config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2}}
            form["layers"] = [
                {"mediaType": m, "digest": layer["digest"], "size": layer["size"], "annotations": {title: name}}
                for (m, name, _), layer in zip(layers, document["layers"])
            ]
            form |= {"annotations": {said + name: value for name, value in notes.items()}} if notes else {}
            assert sorted_json(form) == blob(digest) and len(layers) == len(document["layers"]), f"8.8: form of {tag}"
            assert all(layer["size"] <= cap for (_, _, cap), layer in zip(layers, document["layers"])), "8.8: size"


def check(path):
    with open(path, "rb") as file:
        files = members(file.read())
    census(files)


def census(files):
    """Section 9, over what was found; the law and the payload in order."""
    transfer = json.loads(files["transfer.json"])
    assert files["transfer.json"] == sorted_json(transfer) + b"\n", "5: spelling"
    announced(transfer)
    assert sorted(transfer) == sorted([*MEMBERS, *(["passengers"] if "passengers" in transfer else [])]), "5: members"
    aboard = member_order(files, transfer)
    head(files, transfer)

    def blob(digest):
        return files[f"blobs/{digest.replace(':', '/')}"]

    blobs = [name[6:].replace("/", ":") for name in files if name.startswith("blobs/")]
    for digest in blobs:
        algorithm, digits = digest.split(":")
        assert hashlib.new(algorithm, blob(digest)).hexdigest() == digits, f"10: {digest}"
    counts = transfer["counts"]
    law = set(blobs[: sum(counts["law"].values())])
    known = {entry["digest"]: entry for entry in json.loads(files["index.json"])["manifests"]}
    for item in transfer["generated"]:
        known |= {entry["digest"]: entry for entry in json.loads(blob(item["digest"]))["manifests"]}
    omitted = {(o["repository"], o["of"], o["digest"]) for o in transfer["omitted"]}
    repositories = [Repository(promised, known, omitted, law, blob) for promised in transfer["repositories"]]
    names = {promised["name"] for promised in transfer["repositories"]}
    for promised in transfer["repositories"]:
        removed = promised["removed"]
        assert removed == sorted(set(removed)) and not set(removed) & set(promised["bindings"]), "5: removed"
    revocation(transfer, repositories, blob)

    proven = [omission for repository in repositories for omission in repository.omissions()]
    assert proven == [item for item in transfer["omitted"] if item["why"] != "referrer"], "5: omitted"
    order = [(repository, digest) for repository in repositories for manifests in repository.artifacts() for digest in manifests]
    lists = [(subject, f"sha256:{hashlib.sha256(made).hexdigest()}") for subject, made in generated(repositories, blob)]
    assert transfer["generated"] == [{"digest": digest, "subject": subject} for subject, digest in lists], "7: generated"
    manifests = list(dict.fromkeys([*(digest for _, digest in order), *(digest for _, digest in lists)]))
    needed = [item for repository, digest in order for item in repository.blobs(digest) if item["digest"] not in manifests]
    caps = [(i, (64 if i["mediaType"] == "application/pkix-crl" else 32) << 20) for i in needed if ENVELOPE.fullmatch(i["mediaType"])]
    early = dict.fromkeys(i["digest"] for i, cap in caps if i["size"] <= cap)
    late = dict.fromkeys(i["digest"] for i in needed if i["digest"] not in early)
    found = {"law": law, "payload": set(blobs) - law}
    riding = [census(taken_out(files, passenger, found)) for passenger in transfer.get("passengers", [])]
    parts = [{"law": [*manifests, *early], "payload": list(late), "manifests": manifests, "names": names}, *riding]
    groups = {group: list(dict.fromkeys(digest for part in parts for digest in part[group])) for group in ("law", "payload")}
    groups["payload"] = [digest for digest in groups["payload"] if digest not in groups["law"]]
    assert not any(names & part["names"] for part in riding), "13.3: repository"
    by = {(group, a): [d for d in groups[group] if d.startswith(a)] for group in groups for a in ("sha256", "sha512")}
    assert blobs == [digest for group in by.values() for digest in group], "8: order"
    assert counts == {
        "law": {a: len(by["law", a]) for a in ("sha256", "sha512")},
        "payload": {a: len(by["payload", a]) for a in ("sha256", "sha512")},
        "manifests": len({digest for part in parts for digest in part["manifests"]}),
        "bytes": sum(len(blob(digest)) for digest in blobs),
    }, "5: counts"
    assert files["index.json"] == bundle_index(repositories, lists, blob), "7: index.json"
    fixed = ["oci-layout", "transfer.json", "index.json", *aboard]
    fixed = [f"{hashlib.sha256(files[n]).hexdigest()}  {n}\n" for n in fixed]
    for algorithm, start in (("sha256", fixed), ("sha512", [])):
        digests = [digest.split(":")[1] for digest in by["law", algorithm] + by["payload", algorithm]]
        lines = [*start, *(f"{digits}  blobs/{algorithm}/{digits}\n" for digits in digests)]
        want = "".join(lines).encode() or None
        assert files.get(f"{algorithm.upper()}SUMS") == want, f"6: {algorithm}"
    return parts[0]


for path in sys.argv[1:]:
    try:
        check(path)
        print("ok")
    except Exception as error:  # a hostile bundle may trip this reader anywhere, and is refused by that
        print(type(error).__name__, error)
