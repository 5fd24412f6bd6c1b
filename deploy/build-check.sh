#!/bin/bash
# Builds the image without an image registry and runs it as deploy/compose.yaml does: not root, read-only root file system.
#
#   sudo deploy/build-check.sh
#
# Needs buildah and debootstrap. The base is Debian bookworm with its Python 3.11 in place of python:3.11-slim-bookworm.
# pip inside the build reads this machine's pip configuration, as a secret that stays out of the image; directories that it
# names (wheels, certificates) are given as MOUNTS="/opt/wheels /etc/ssl/certs". WORK keeps the base for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

work=${WORK:-/var/tmp/watchkeeper-build-check}
base=localhost/watchkeeper-base
image=localhost/watchkeeper:check
mkdir -p "$work"
container=""
service=""
trap '[ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true
      [ -z "$container" ] || buildah rm "$container" >/dev/null' EXIT

say() { printf '\n== %s\n' "$*"; }

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  say "base image"
  [ -d "$work/debian/usr" ] || debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/debian"
  from=$(buildah from scratch)
  buildah copy --quiet "$from" "$work/debian" / >/dev/null
  buildah commit --quiet "$from" "$base" >/dev/null
  buildah rm "$from" >/dev/null
fi

say "image"
{ echo "[global]"; python3 -m pip config list | grep -v '^global.constraint=' | sed -n "s/^global\.\([a-z-]*\)='\(.*\)'\$/\1 = \2/p"; } > "$work/pip.conf"
mounts=()
for place in ${MOUNTS:-}; do mounts+=(--volume "$place:$place:ro"); done
buildah build --isolation chroot --format docker --pull=never --layers --build-arg "BASE=$base" \
  --secret "id=pip,src=$work/pip.conf" "${mounts[@]}" --tag "$image" .

say "container"
container=$(buildah from --pull-never "$image")
rm -rf "$work/data" "$work/etc"
install --directory --owner=10001 --group=10001 "$work/data"
install --directory "$work/etc"
cat > "$work/etc/watchkeeper.yaml" <<'YAML'
sources:
  app:
    kind: files
    paths: ["calls.jsonl"]
    every: 1s
    lateness: 0s
YAML
at=$(date --utc --date='-2 minutes' +%Y-%m-%dT%H:%M:%SZ)
printf '{"id":"%s","started_at":"%s","latency_s":1,"service":"check"}\n' a "$at" b "$at" > "$work/etc/calls.jsonl"

# Runs a command in the image as its own settings and compose say: its user and environment, a read-only root file system,
# /tmp in memory, /data kept. Namespaces and chroot stand in for a container runtime, which few build machines let run.
root=$(buildah mount "$container")
setting() { buildah inspect --type image --format "{{range .Docker.Config.$1}}{{println .}}{{end}}" "$image" | sed '/^$/d'; }
user=$(buildah inspect --type image --format '{{.Docker.Config.User}}' "$image")
mapfile -t environment < <(setting Env)
mapfile -t entrypoint < <(setting Entrypoint)
mapfile -t command < <(setting Cmd)
mapfile -t health < <(setting Healthcheck.Test)
box() {
  ROOT=$root WORK=$work OWNER=$user unshare --mount --pid --fork --kill-child bash -c '
    set -euo pipefail
    mount --bind "$ROOT" "$ROOT"
    mkdir -p "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$ROOT/tmp"
    mount --bind "$WORK/data" "$ROOT/data"
    mount --bind -o ro "$WORK/etc" "$ROOT/etc/watchkeeper"
    mount -o remount,bind,ro "$ROOT"
    exec setpriv --no-new-privs chroot --userspec="$OWNER" "$ROOT" env -i "$@"
  ' box "${environment[@]}" "$@"
}

say "--help"
box "${entrypoint[@]}" --help

say "run"
box "${entrypoint[@]}" "${command[@]}" > "$work/run.log" 2>&1 &
service=$!
get() { python3 -c 'import sys, urllib.request as u; print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1]).read().decode())' "http://127.0.0.1:9464$1"; }
alive=0
for _ in $(seq 600); do
  if get /healthz 2>/dev/null; then
    alive=1
    break
  fi
  sleep 0.2
done
[ "$alive" = 1 ] || { cat "$work/run.log"; echo "the service did not come up" >&2; exit 1; }

say "as whom, and what it can write"
box id
if box touch /opt/watchkeeper/x 2>/dev/null; then echo "the root file system can be written" >&2; exit 1; fi
box touch /data/x /tmp/x

say "the image's own health check"
box "${health[@]:1}" && echo healthy

say "metrics"
for _ in $(seq 600); do
  page=$(get /metrics)
  if grep '^watchkeeper_source_last_success_timestamp_seconds{source="app"}' <<< "$page"; then break; fi
  sleep 0.2
done
grep --quiet '^watchkeeper_source_last_success_timestamp_seconds{source="app"}' <<< "$page" || { cat "$work/run.log"; exit 1; }

say "stop"
pkill -TERM --newest --full "${entrypoint[0]} ${command[0]}"
wait "$service" || { cat "$work/run.log"; exit 1; }
say "all is well"
