#!/usr/bin/env bash
# Measures exact evaluation beside float32 and int8 in libtorch, and writes docs/benchmarks.md; or what the court charges
# beside the time that it takes here. About three minutes once built, on an otherwise idle machine.
#
#   scripts/benchmarks.sh             writes the page
#   scripts/benchmarks.sh OPTIONS     those of `oda-benchmarks evaluation`, say --rounds 1: prints it
#   scripts/benchmarks.sh court       prints whether this machine is fast enough for a validator
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
# shellcheck source=/dev/null
source "$cache/env.sh"
cargo build --locked --workspace --bin oda-benchmarks
benchmarks=$CARGO_TARGET_DIR/debug/oda-benchmarks
if [ "${1:-}" = court ]; then
	exec "$benchmarks" "$@"
fi
python=$(scripts/pytorch.sh)
[ $# -gt 0 ] || set -- --out docs/benchmarks.md
"$benchmarks" evaluation --python "$python" "$@"
