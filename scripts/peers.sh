#!/usr/bin/env bash
# Installs the pinned real counterparts of scripts/peers.lock into one folder and prints its bin path as the
# last line of stdout; everything else goes to stderr. A second run finds the folder and installs nothing.
#
#   scripts/peers.sh              install what is missing, print the bin folder
#   scripts/peers.sh --versions   the same, then a table of what is really installed, before the path
#
# SALLYPORT_PEERS moves the cache (default: ~/.cache/sallyport-peers).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock=$here/peers.lock
key=$(sha256sum "$lock" | cut -c1-16)
cache=${SALLYPORT_PEERS:-$HOME/.cache/sallyport-peers}
root=$cache/$key
bin=$root/bin
# Whoever has this folder in the path already would get its links made to themselves.
PATH=:$PATH:
PATH=${PATH//:$bin:/:}
PATH=${PATH#:}
PATH=${PATH%:}
peers=$here/../test/peers
# The digest of some files of a folder. Programs of our own are named by it: an edit builds one anew and nothing else.
sources() { (cd "$1" && shift && LC_ALL=C && cat "$@" | sha256sum | cut -c1-16); }
# The judge on notation's libraries.
judge=notation-judge-$(cd "$peers/notation" && LC_ALL=C && sources . go.mod go.sum ./*.go)
# Notation's own command line, by a module of ours that names it: `go install` of a release first asks which others there
# are, and not every proxy tells.
stock=notation-$(sources "$peers/notation-cli" go.mod go.sum)
# Go's archive/tar.
tar=go-tar-$(sources "$peers/go-tar" go.mod main.go)

say() { printf 'peers: %s\n' "$*" >&2; }
fail() { say "MISSING: $*"; exit 1; }
pins() { awk -v kind="$1" '$1 == kind { print $2, $3, $4 }' "$lock"; }
seconds() { printf '%s s' "$((SECONDS - $1))"; }

# Links into /usr/bin are followed: a cache that outlives its machine must not look complete.
complete() {
  local name
  [ -f "$root/complete" ] || return 1
  for name in $(awk '$1 == "go" || $1 == "apt" { print $2 }' "$lock") python-tuf "$judge" "$stock" "$tar"; do
    [ -x "$bin/$name" ] || return 1
  done
}

apt_get() {
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

installed() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true; }

install_apt() {
  local name version package want=() begin=$SECONDS
  while read -r name version package; do
    [ -n "$(installed "$package")" ] && command -v "$name" >/dev/null || want+=("$package")
  done < <(pins apt)
  if [ ${#want[@]} -gt 0 ]; then
    # The lists of a fresh machine may be absent or old; ask for new ones only when the first try fails.
    apt_get install -y --no-install-recommends "${want[@]}" 2>/dev/null ||
      { apt_get update && apt_get install -y --no-install-recommends "${want[@]}"; } ||
      fail "${want[*]} (apt-get install failed)"
    say "apt: ${want[*]} in $(seconds "$begin")"
  fi
  while read -r name version package; do
    command -v "$name" >/dev/null || fail "$name (package $package has no such command)"
    ln -sfn "$(command -v "$name")" "$bin/$name"
    [ "$(installed "$package")" = "$version" ] || say "note: $package is $(installed "$package"), the lock names $version"
  done < <(pins apt)
}

install_pip() {
  local want=() name version _ begin=$SECONDS
  while read -r name version _; do want+=("$name==$version"); done < <(pins pip)
  if [ ! -f "$root/venv/complete" ] || [ ! -x "$root/venv/bin/python" ]; then
    rm -rf "$root/venv"
    { python3 -m venv "$root/venv" && "$root/venv/bin/pip" install -q --no-deps "${want[@]}"; } >&2 ||
      fail "python-tuf (${want[*]}: pip install failed)"
    "$root/venv/bin/python" -c 'import tuf.ngclient, securesystemslib, cryptography' >&2 || fail 'python-tuf (cannot be imported)'
    touch "$root/venv/complete"
    say "python-tuf in $(seconds "$begin")"
  fi
  # Not a link: a Python started through one looks for its venv beside the link.
  printf '#!/bin/sh\nexec "%s/venv/bin/python" "$@"\n' "$root" >"$bin/python-tuf"
  chmod +x "$bin/python-tuf"
}

built() { go version -m "$1" 2>/dev/null | awk '$1 == "mod" { print $3 }'; }

# An edit of the lock gives a new folder; what an older one holds in the pinned version is not built again.
reuse() {
  local older
  for older in "$cache"/*/bin/"$1"; do
    [ "$older" != "$bin/$1" ] && [ "$(built "$older")" = "$2" ] && ln -f "$older" "$bin/$1" && return
  done
  return 1
}

install_go() {
  local name version package begin stage=$root/stage
  command -v go >/dev/null || fail 'go (the compiler; registry, crane, regctl, oras, conformance and cosign are built with it)'
  while read -r name version package; do
    [ "$(built "$bin/$name")" != "$version" ] || continue
    reuse "$name" "$version" && continue
    begin=$SECONDS
    rm -rf "$stage"
    # Away from any go.mod or go.work, so that the module's own requirements decide.
    (cd "$root" && GOWORK=off GOFLAGS='-trimpath -buildvcs=false' CGO_ENABLED=0 GOBIN=$stage \
      go install -ldflags '-s -w' "$package@$version") </dev/null >"$root/$name.log" 2>&1 || {
      tail -n 20 "$root/$name.log" >&2
      fail "$name $version (go install $package failed, see $root/$name.log)"
    }
    mv "$stage/$name" "$bin/$name"
    say "$name $version in $(seconds "$begin")"
  done < <(pins go)
  rm -rf "$stage"
}

# Builds a program of our own sources: its name, their folder, the package.
install_own() {
  local name=$1 begin=$SECONDS
  [ ! -x "$bin/$name" ] || return 0
  (cd "$2" && GOWORK=off GOFLAGS='-trimpath -buildvcs=false -mod=readonly' CGO_ENABLED=0 \
    go build -ldflags '-s -w' -o "$root/$name" "$3") </dev/null >"$root/$name.log" 2>&1 || {
    tail -n 20 "$root/$name.log" >&2
    fail "$name (go build in $2 failed, see $root/$name.log)"
  }
  mv "$root/$name" "$bin/$name"
  say "$name in $(seconds "$begin")"
}

# The module's sum is compared here, because a module that no go.mod names has no go.sum to guard it.
install_data() {
  local folder version module sum paths source
  while read -r folder version module sum paths; do
    source=$(cd "$root" && GOWORK=off GOFLAGS=-mod=mod go mod download -json "$module@$version" 2>"$root/download.log" </dev/null) ||
      fail "$folder $version (go mod download $module failed, see $root/download.log)"
    [ "$(jq -r .Sum <<<"$source")" = "$sum" ] || fail "$folder: $module@$version has the sum $(jq -r .Sum <<<"$source"), the lock names $sum"
    source=$(jq -r .Dir <<<"$source")
    rm -rf "${root:?}/$folder"
    mkdir -p "$root/$folder"
    # Unquoted: the patterns are meant to be filled in.
    (cd "$source" && cp -r --parents --no-preserve=mode $paths "$root/$folder")
  done < <(awk '$1 == "data" { $1 = ""; print }' "$lock")
}

# Nothing of the wheel is installed or run; pip compares its hash.
install_wheels() {
  local folder version package hash paths wheel stage=$root/stage
  while read -r folder version package hash paths; do
    rm -rf "$stage" "${root:?}/$folder"
    mkdir -p "$stage" "$root/$folder"
    printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$hash" >"$stage/requirements.txt"
    "$root/venv/bin/pip" download -q --no-deps --only-binary :all: --require-hashes -d "$stage" -r "$stage/requirements.txt" >&2 ||
      fail "$folder ($package $version: pip download failed)"
    wheel=("$stage"/*.whl)
    # Unquoted: one pattern a word, which bsdtar fills in, not the shell.
    set -f
    "$bin/bsdtar" -xf "${wheel[0]}" -C "$root/$folder" $paths || fail "$folder ($package $version lacks a path of the lock)"
    set +f
  done < <(awk '$1 == "wheel" { $1 = ""; print }' "$lock")
  rm -rf "$stage"
}

versions() {
  local name package names
  mapfile -t names < <(pins pip | cut -d' ' -f1)
  while read -r name _ _; do printf '%-18s %s\n' "$name" "$(built "$bin/$name")"; done < <(pins go)
  go version -m "$bin/$judge" | awk '$1 == "dep" && $2 ~ "/notation-(core-)?go$" { sub(".*/", "", $2); printf "%-18s %s\n", $2, $3 }'
  go version -m "$bin/$stock" | awk '$1 == "mod" && $2 ~ "/notation$" { printf "%-18s %s\n", "notation", $3 }'
  while read -r name _ package; do printf '%-18s %s\n' "$name" "$(installed "$package")"; done < <(pins apt)
  "$bin/python-tuf" - "${names[@]}" <<'PY'
import sys
from importlib.metadata import version
print(f"{'python':18} {sys.version.split()[0]}")
for name in sys.argv[1:]:
    print(f"{name:18} {version(name)}")
PY
}

case ${1:-} in '' | --versions) ;; *) say "unknown argument $1"; exit 2 ;; esac

if ! complete; then
  mkdir -p "$bin"
  # Two runs at once (a developer's and CI's, say) must not build the same thing into the same folder.
  exec 9>"$cache/$key.lock"
  flock 9
  complete || {
    install_apt
    install_pip
    install_go
    # Once complete, these are the lock's, and somebody's tests may be reading them.
    if [ ! -f "$root/complete" ]; then
      install_data
      install_wheels
    fi
    install_own "$judge" "$peers/notation" .
    install_own "$stock" "$peers/notation-cli" github.com/notaryproject/notation/cmd/notation
    install_own "$tar" "$peers/go-tar" .
    touch "$root/complete"
    say "ready in $SECONDS s"
  }
fi
[ "${1:-}" != --versions ] || versions
printf '%s\n' "$bin"
