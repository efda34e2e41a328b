#!/usr/bin/env bash
# Runs the store's tests of another version on this version's schema: during a deployment, and after one that was taken back, the version
# before works with it. $1 names that version; without it, the newest tag, or the commit before.
set -euo pipefail

version=${1:-$(git describe --tags --abbrev=0 2>/dev/null || echo HEAD~1)}
commit=$(git rev-parse --verify --quiet "$version^{commit}") || {
  echo "there is no version $version here; a shallow clone has none: git fetch --unshallow --tags" >&2
  exit 1
}
dir=$(mktemp -d)
trap 'git worktree remove --force "$dir/it"; rm -rf "$dir"' EXIT
git worktree add --quiet --detach "$dir/it" "$commit"
rm "$dir"/it/infra/migrations/*.sql
cp infra/migrations/*.sql "$dir/it/infra/migrations/"
echo "the store's tests of $(git log -1 --format='%h, %s' "$commit") on $(ls infra/migrations/*.sql | tail -1 | xargs basename)"
cd "$dir/it"
go test -vet=off ./shared/postgres $(ls -d ./shared/postgres/records ./shared/pgside 2>/dev/null) # versions before the move have pgside
