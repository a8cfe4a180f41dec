#!/usr/bin/env bash
# Measures exact evaluation beside float32 and int8 in libtorch, and writes docs/benchmarks.md. About five minutes on an
# otherwise idle machine.
#
#   scripts/benchmarks.sh              what is committed
#   scripts/benchmarks.sh --rounds 1   quicker; further options are those of `oda-benchmarks`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
python=$(scripts/pytorch.sh)
# shellcheck source=/dev/null
source "$cache/env.sh"
cargo build --locked --workspace --bin oda-benchmarks
"$CARGO_TARGET_DIR/debug/oda-benchmarks" --python "$python" --out docs/benchmarks.md "$@"
