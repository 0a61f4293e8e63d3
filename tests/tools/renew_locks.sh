#!/usr/bin/env bash
# Writes resources/locks/*.txt anew from pyproject.toml and shows that every supported platform finds a wheel for
# every line. Needs uv (pip install uv). Without arguments the newest versions are taken; "--keep" only follows
# pyproject.toml and keeps the versions that are locked.
set -euo pipefail
cd "$(dirname "$0")/../.."
locks=resources/locks
[ "${1:-}" = --keep ] || rm -f "$locks"/*.txt

# One version for every platform and Python (fork-strategy), so that what the tests ran is what everybody gets.
lock() {
  uv pip compile --no-config --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header pyproject.toml "$@"
}
lock --output-file "$locks/app.txt"
for extra in test build gpu; do
  lock --extra "$extra" --constraint "$locks/app.txt" --output-file "$locks/$extra.txt"
done

export MACOSX_DEPLOYMENT_TARGET=14.0
unused=$(mktemp -d)
trap 'rm -r "$unused"' EXIT
for platform in x86_64-manylinux_2_34 aarch64-manylinux_2_39 x86_64-pc-windows-msvc aarch64-apple-darwin; do
  for python in 3.11 3.12 3.13; do
    for name in app test build; do
      echo "$platform, Python $python, $name"
      uv pip install --no-config --quiet --dry-run --no-deps --require-hashes --only-binary :all: \
        --python-platform "$platform" --python-version "$python" --target "$unused" -r "$locks/$name.txt"
    done
  done
done
