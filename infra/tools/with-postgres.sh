#!/usr/bin/env bash
# Runs a command where PostgreSQL's server, pg_dump and pg_restore are installed; as root on Debian it installs them. Where they are not, and
# cannot be, it says so and ends with 3.
set -euo pipefail

none() {
  echo "make dump-test needs PostgreSQL with pg_dump and pg_restore: $1" >&2
  exit 3
}

compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || {
  command -v apt-get >/dev/null || none "install it."
  [ "$(id -u)" = 0 ] || none "install it (as root this script would: apt-get install postgresql)."
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql; } >"$log" 2>&1 ||
    none "apt-get could not install it, see $log."
}
exec "$@"
