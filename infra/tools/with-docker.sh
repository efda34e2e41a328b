#!/usr/bin/env bash
# Runs a command with a Docker engine: the one that is there, or one of its own that it starts under .local/docker and stops afterwards.
# Where there is none, and none can be had, it says so and ends with 3.
set -euo pipefail

none() {
  echo "sam local needs a Docker engine, and here is none: $1" >&2
  exit 3
}

ours() { # starts an engine of our own
  command -v dockerd >/dev/null || {
    command -v apt-get >/dev/null || none "install Docker and start it."
    [ "$(id -u)" = 0 ] || none "install Docker and start it (as root this script would: apt-get install docker.io)."
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io iptables busybox-static; } >/tmp/with-docker.log 2>&1 ||
      none "apt-get could not install it, see /tmp/with-docker.log."
  }
  [ "$(id -u)" = 0 ] || none "start it (as root this script would)."
  mkdir -p .local/docker
  dir=$PWD/.local/docker
  run=$(mktemp -d) # not under .local: a socket's path has to be short
  dockerd --data-root "$dir/data" --exec-root "$run/exec" --pidfile "$run/pid" -H "unix://$run/docker.sock" >"$dir/log" 2>&1 &
  engine=$!
  # Containers go first: a network that outlives its engine keeps its address, which the next engine gives away again.
  trap 'docker ps -aq | xargs -r docker rm -f >/dev/null 2>&1 || true; kill $engine 2>/dev/null; wait $engine 2>/dev/null || true; rm -rf "$run"' EXIT
  export DOCKER_HOST=unix://$run/docker.sock
  for _ in $(seq 150); do
    docker info >/dev/null 2>&1 && return
    kill -0 $engine 2>/dev/null || none "it does not start on this machine, see $dir/log."
    read -rt 0.2 <> <(:) || true
  done
  none "it does not answer, see $dir/log."
}

docker info >/dev/null 2>&1 || ours
[ $# = 0 ] || "$@"
