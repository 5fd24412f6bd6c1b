#!/bin/bash
# Builds the image without an image registry and runs it as deploy/compose.yaml does: not root, read-only root file system.
#
#   sudo deploy/build-check.sh
#
# Needs buildah, debootstrap and crun. The base is Debian bookworm with its Python 3.11 in place of python:3.11-slim-bookworm.
# pip inside the build reads this machine's pip configuration, as a secret that stays out of the image; directories that it
# names (wheels, certificates) are given as MOUNTS="/opt/wheels /etc/ssl/certs". WORK keeps the base for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."

work=${WORK:-/var/tmp/watchkeeper-build-check}
base=localhost/watchkeeper-base
image=localhost/watchkeeper:check
bundle=$work/bundle
mkdir -p "$work" "$bundle"
container=""
trap 'crun kill watchkeeper-check KILL 2>/dev/null || true; crun delete -f watchkeeper-check 2>/dev/null || true
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

# The image's own settings as a container of the OCI runtime, with what compose adds to them.
in_container() {
  rm -f "$bundle/config.json"
  (cd "$bundle" && crun spec)
  python3 - "$bundle/config.json" "$(buildah mount "$container")" "$work" "$image" "$@" <<'PYTHON'
import json, pathlib, subprocess, sys

file, root, work, image, *arguments = sys.argv[1:]
inspected = json.loads(subprocess.check_output(["buildah", "inspect", "--type", "image", image]))
settings = inspected["Docker"]["config"]
user, group = map(int, settings["User"].split(":"))
spec = json.loads(pathlib.Path(file).read_text())
spec["process"] |= {
    "terminal": False,
    "user": {"uid": user, "gid": group},
    "args": settings["Entrypoint"] + (arguments or settings["Cmd"]),
    "env": settings["Env"],
    "cwd": settings["WorkingDir"],
    "capabilities": {},
    "noNewPrivileges": True,
}
spec["root"] = {"path": root, "readonly": True}
spec["mounts"] += [
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
    {"destination": "/data", "type": "bind", "source": f"{work}/data", "options": ["bind", "rw"]},
    {"destination": "/etc/watchkeeper", "type": "bind", "source": f"{work}/etc", "options": ["bind", "ro"]},
]
spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "network"]
pathlib.Path(file).write_text(json.dumps(spec))
PYTHON
}
start() { crun --cgroup-manager=disabled run --bundle "$bundle" "$@" watchkeeper-check; }
inside() { crun --cgroup-manager=disabled exec watchkeeper-check "$@"; }

say "--help"
in_container --help
start

say "run"
in_container
start > "$work/run.log" 2>&1 &
alive=0
for _ in $(seq 600); do
  if inside python3 -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/healthz').read())" 2>/dev/null; then
    alive=1
    break
  fi
  sleep 0.2
done
[ "$alive" = 1 ] || { cat "$work/run.log"; echo "the service did not come up" >&2; exit 1; }

say "as whom, and what it can write"
inside id
if inside touch /opt/watchkeeper/x 2>/dev/null; then echo "the root file system can be written" >&2; exit 1; fi
inside touch /data/x /tmp/x

say "the image's own health check"
mapfile -t health < <(buildah inspect --type image --format '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' "$image")
inside "${health[@]:1:3}" && echo healthy

say "metrics"
for _ in $(seq 600); do
  page=$(inside python3 -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())")
  if grep '^watchkeeper_source_last_success_timestamp_seconds{source="app"}' <<< "$page"; then break; fi
  sleep 0.2
done
grep --quiet '^watchkeeper_source_last_success_timestamp_seconds{source="app"}' <<< "$page" || { cat "$work/run.log"; exit 1; }

say "stop"
crun kill watchkeeper-check TERM
wait %1 || { cat "$work/run.log"; exit 1; }
say "all is well"
