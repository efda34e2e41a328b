#!/usr/bin/env bash
# with-debian.sh <package> <test> <command>...: runs a command where a package is installed, which the test shows; as root on Debian it installs it.
# Where it is not, and cannot be, it says so and ends with 3.
set -euo pipefail
PATH=$PATH:/usr/sbin
package=$1 present=$2
shift 2

none() {
  echo "this needs Debian's package $package: $1" >&2
  exit 3
}

eval "$present" >/dev/null || {
  command -v apt-get >/dev/null || none "install it."
  [ "$(id -u)" = 0 ] || none "install it (as root this script would: apt-get install $package)."
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; } >"$log" 2>&1 ||
    none "apt-get could not install it, see $log."
}
exec "$@"
