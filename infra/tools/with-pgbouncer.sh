#!/usr/bin/env bash
# Runs a command where PgBouncer is installed; as root on Debian it installs it. Where it is not, and cannot be, it says so and ends with 3.
set -euo pipefail
PATH=$PATH:/usr/sbin

none() {
  echo "make pooler needs PgBouncer: $1" >&2
  exit 3
}

command -v pgbouncer >/dev/null || {
  command -v apt-get >/dev/null || none "install it."
  [ "$(id -u)" = 0 ] || none "install it (as root this script would: apt-get install pgbouncer)."
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends pgbouncer; } >"$log" 2>&1 ||
    none "apt-get could not install it, see $log."
}
exec "$@"
