#!/usr/bin/env bash
# The main job as a story: no service, no network, everything in ./demo.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export PATH="$root/node_modules/.bin:$PATH" XDG_STATE_HOME="$root/demo/far/state" NODE_NO_WARNINGS=1
rm -rf demo && mkdir -p demo/near demo/far && cd demo

sallyport() { node "$root/dist/cli/main.js" "$@"; }
# Shows a command and the lines of its answer that match; any other exit status or code than this one ends the demo.
step() {
  local want=$1 code=$2 keep=$3 status=0
  shift 3
  echo "\$ sallyport $*"
  sallyport "$@" >"$root/demo/answer" 2>&1 || status=$?
  if [ "$status" != "$want" ] || ! grep -q "$code" "$root/demo/answer"; then cat "$root/demo/answer"; echo "ended with $status, not $want $code"; exit 1; fi
  grep -E "$keep" "$root/demo/answer" | sed 's/^/  /'
}
show() { step 0 '' "$@"; }

echo "== near side: an image for two platforms, with a signature and an SBOM, becomes one tar"
cd near
node "$root/fixtures/layouts/build.ts" . >/dev/null
(umask 077 && head -c 24 /dev/urandom | base64 >passphrase)
fp() { sha256sum keys/root.json | cut -d' ' -f1; }
show '^fingerprint' channel init vendor-a --for content --dir keys --people 3 --passphrase-file passphrase
show 'wrote|signed by' export oci:demo --for-site site-a --keys keys -o june.tar --passphrase-file passphrase
show 'signed by' approve june.tar --key keys/bob.pem --passphrase-file passphrase
echo '$ tar tf june.tar | head -5'
tar tf june.tar | sed -n '1,5s/^/  /p'
cp june.tar keys/root.json ../far/
fingerprint="sha256:$(fp)"
cd ../far

echo "== far side: the channel was pinned by hand, against a fingerprint told by another way"
show 'made' state init --site site-a --reason first-install
show 'pinned' channel pin vendor-a root.json --fingerprint "$fingerprint" --for content
show 'TRUSTED' verify june.tar
show 'pushed|new|DONE' import june.tar --to oci:mirror
show 'accepted|moved|done' log

echo "== a tampered copy is refused: one bit in a layer"
cp june.tar tampered.tar
at=$(($(stat -c %s tampered.tar) - 1500))
printf '\x01' | dd of=tampered.tar bs=1 seek=$at conv=notrunc status=none
step 10 DIGEST_MISMATCH 'sallyport:|where' import tampered.tar --to oci:mirror

echo "== so is a replay: once July is in, June is too old"
cd ../near
id=$(sallyport export oci:demo --for-site site-a --keys keys -o july.tar --passphrase-file passphrase 2>&1 | sed -n 's/^bundle id //p')
sallyport approve july.tar --key keys/carol.pem --id "$id" --passphrase-file passphrase --quiet
cp july.tar ../far/ && cd ../far
sallyport import july.tar --to oci:mirror --quiet
step 15 ROLLBACK 'sallyport:|remedy' import june.tar --to oci:mirror
