#!/usr/bin/env bash
# Builds the last commit twice, in two folders, each with a cache of its own, and compares the archives that sam package would upload.
# Prints their hashes; the second build's are left in .local/reproducible.
set -euo pipefail
root=$PWD
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
mkdir -p .local
for build in one another; do
  mkdir -p "$dir/$build"
  git archive HEAD | tar -x -C "$dir/$build"
  GOCACHE=$dir/cache-$build make --no-print-directory -C "$dir/$build" sam-build SAM="$root/.local/venv-sam/bin/sam" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
  rm -rf "$dir/cache-$build"
  (cd "$dir/$build/.aws-sam/build" && "$root/.local/venv-sam/bin/python" - <<'PYTHON'
import hashlib, os
from samcli.lib.package.utils import make_zip_with_lambda_permissions
for name in sorted(n for n in os.listdir(".") if os.path.isdir(n)):
    archive = make_zip_with_lambda_permissions(os.path.abspath("../" + name), os.path.abspath(name))
    print(hashlib.sha256(open(archive, "rb").read()).hexdigest(), name + ".zip")
PYTHON
  ) >"$dir/$build.sums"
done
diff "$dir/one.sums" "$dir/another.sums" || { echo "two builds of one commit differ" >&2; exit 1; }
[ -s "$dir/one.sums" ] || { echo "nothing was built" >&2; exit 1; }
tee .local/reproducible <"$dir/another.sums"
