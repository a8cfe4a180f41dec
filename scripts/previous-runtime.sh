#!/usr/bin/env bash
# Keeps the runtime of the last spec_version, which the rehearsal of an upgrade starts from: builds the runtime of a
# commit, and writes it, compressed, to runtime/integration-tests/previous/.
# To be run, and its result committed, in the change that raises spec_version for the next release (docs/upgrades.md).
#
#   scripts/previous-runtime.sh            of HEAD, before the change is made
#   scripts/previous-runtime.sh v0.1.0     of that commit
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh zstd
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"

# A tree of its own, so that nothing that is not committed gets in.
tree=$(mktemp -d)
trap 'git worktree remove --force "$tree"' EXIT
git worktree add --detach "$tree" "${1:-HEAD}"
(cd "$tree" && cargo build --locked -p oda-runtime)

kept=runtime/integration-tests/previous/oda_runtime.compressed.wasm
# What nodes tell compressed code by (sp-maybe-compressed-blob).
printf '\x52\xbc\x53\x76\x46\xdb\x8e\x05' >"$kept"
zstd --ultra -22 --stdout "$CARGO_TARGET_DIR/debug/wbuild/oda-runtime/oda_runtime.wasm" >>"$kept"
ls -l "$kept"
