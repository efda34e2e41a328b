#!/usr/bin/env bash
# Builds the local system and runs a command of it, in the project's folder: local.sh <the command that builds> -- <command> [argument...]
set -euo pipefail

fail() { echo "make: $*" >&2; exit 1; }

build=()
while [ "$1" != -- ]; do build+=("$1"); shift; done
shift

command -v go >/dev/null || fail "Go is not on the PATH. Install Go 1.26 or newer: https://go.dev/dl"
if ! found=$(go version 2>&1) || ! go mod edit -json >/dev/null 2>&1 || [[ $(go env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) && ${BASH_REMATCH[1]} -lt 26 ]]; then
	fail "this needs Go 1.26 or newer, and what is installed is: $(head -n 1 <<<"$found"). Install a newer one: https://go.dev/dl"
fi
if ! mkdir -p .local/bin 2>/dev/null || ! [ -w .local/bin ]; then
	fail "this folder cannot be written to: $PWD. Make it writable for your user, or copy the project to a folder of yours"
fi
if ! said=$(env "${build[@]}" -o .local/bin/local ./infra/local 2>&1); then
	case $said in
	*"no space left on device"*) fail "the disk is full. Building needs about 1 GB in Go's build cache ($(go env GOCACHE)); go clean -cache empties it" ;;
	esac
	echo "$said" >&2
	fail "the local system cannot be built"
fi
exec .local/bin/local "$@"
