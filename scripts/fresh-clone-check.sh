#!/usr/bin/env bash
# Clones the committed state into a temporary folder, runs `npm ci` there and then each given command
# (default: check and test), and removes the folder. What is not committed does not take part.
# Use: scripts/fresh-clone-check.sh [--with-shared-data] ["npm test" ...]
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

if [ "${1:-}" = "--with-shared-data" ]; then
  shift
  ln -s "$root/../shared" "$folder/shared"
fi
[ $# -gt 0 ] || set -- "npm run check" "npm test"

git clone --quiet "$root" "$folder/clone"
cd "$folder/clone"
for command in "npm ci" "$@"; do
  echo "fresh clone: $command"
  start=$SECONDS
  bash -c "$command" </dev/null
  echo "fresh clone: $command took $((SECONDS - start)) s"
done
