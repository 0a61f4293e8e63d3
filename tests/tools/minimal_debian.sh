#!/usr/bin/env bash
# Proves the set-up in a Debian that has nothing but python3: as root, minimal_debian.sh [SUITE [FOLDER [COMMAND...]]]
# Needs debootstrap. SUITE is bookworm if left out; COMMAND, given to run.py at the end, may be "test --fast".
# How the network is reached (resolver, certificates, PIP_*, proxies) is taken from this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
suite=${1:-bookworm}
top=${2:-$(mktemp -d)}
shift $(($# < 2 ? $# : 2))
root=$top/system # a copy, so that the bare system can be used again

[ -e "$top/bare" ] || debootstrap --variant=minbase --include=python3 "$suite" "$top/bare" >"$top.log"
rm -rf --one-file-system "$root"
cp -a --reflink=auto "$top/bare" "$root"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
readarray -t settings < <(env | grep -E '^(PIP_(INDEX_URL|PROXY|DEFAULT_TIMEOUT)|https?_proxy)=')
if [ -n "${PIP_CERT:-}" ]; then
  cp -L "$PIP_CERT" "$root/etc/pip-certificates.crt"
  settings+=(PIP_CERT=/etc/pip-certificates.crt)
fi
folder="/srv/带 空格 folder"
git clone --quiet "$here" "$root$folder"
chown -R 1000:1000 "$root$folder"
mount -t proc proc "$root/proc"
trap 'umount "$root/proc"' EXIT

network=()
inside() { # USER COMMAND...: an environment like a fresh login's
  local user=$1
  shift
  "${network[@]}" chroot --userspec="$user" "$root" env -i "${settings[@]}" HOME="/tmp/home-$user" LANG=C.UTF-8 \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}
expect() { # TEXT FILE
  grep -qF -- "$1" "$2" || { echo "not ok: no '$1' in:"; cat "$2"; exit 1; }
  echo "ok: $1"
}
out=$(mktemp)

echo "== a user without rights"
! inside 1000 python3 run.py transcribe resources/samples/jfk.wav >"$out" 2>&1
expect "sudo apt-get install -y python3" "$out"

echo "== root, first run"
time inside 0 python3 run.py transcribe resources/samples/jfk.wav >"$out" 2>"$out.err" || { cat "$out.err"; exit 1; }
cat "$out.err"
expect "what your country can do for you" "$out"
[ "$(wc -l <"$out")" = 1 ]

echo "== the user, set up by root, without network"
network=(unshare --net)
time inside 1000 python3 run.py transcribe resources/samples/jfk.wav >"$out" 2>"$out.err" || { cat "$out.err"; exit 1; }
network=()
expect "what your country can do for you" "$out"

echo "== the window, drawn nowhere"
inside 0 python3 run.py open --help >/dev/null 2>"$out"
cat "$out"
expect "Installing system packages" "$out"
code=0
inside 0 env QT_QPA_PLATFORM=offscreen timeout 15 python3 run.py >"$out" 2>&1 || code=$?
cat "$out"
[ "$code" = 124 ] || { echo "not ok: the window closed with $code"; exit 1; }
echo "ok: it stays open"

if [ $# -gt 0 ]; then
  echo "== run.py $*"
  inside 0 python3 run.py "$@"
fi
echo "All well in $root"
