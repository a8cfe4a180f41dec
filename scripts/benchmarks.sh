#!/usr/bin/env bash
# Measures exact evaluation beside float32 and int8 in libtorch, and writes docs/benchmarks.md. About three minutes once
# built, on an otherwise idle machine.
#
#   scripts/benchmarks.sh             writes the page
#   scripts/benchmarks.sh OPTIONS     those of `oda-benchmarks`, say --rounds 1: prints it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
python=$(scripts/pytorch.sh)
# shellcheck source=/dev/null
source "$cache/env.sh"
cargo build --locked --workspace --bin oda-benchmarks
[ $# -gt 0 ] || set -- --out docs/benchmarks.md
"$CARGO_TARGET_DIR/debug/oda-benchmarks" --python "$python" "$@"
