#!/usr/bin/env bash
# Measures exact evaluation beside float32 and int8 in libtorch, and writes docs/benchmarks.md; or what the court charges
# beside the time that it takes here; or compares what all backends of this machine find; or measures what payments add to
# inference, and writes docs/inference-benchmarks.md. About three minutes once built, or a quarter of an hour for inference,
# on an otherwise idle machine.
#
#   scripts/benchmarks.sh             writes the page
#   scripts/benchmarks.sh OPTIONS     those of `oda-benchmarks evaluation`, say --rounds 1: prints it
#   scripts/benchmarks.sh court       prints whether this machine is fast enough for a validator
#   scripts/benchmarks.sh agreement   fails if two backends differ on any of a million records; --records, --seed
#   scripts/benchmarks.sh inference   writes the page about inference; with options, say --minutes 1, prints it
#   scripts/benchmarks.sh overload    overloads a provider, and prints what becomes of it; --minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
# shellcheck source=/dev/null
source "$cache/env.sh"
cargo build --locked --workspace --bin oda-benchmarks
benchmarks=$CARGO_TARGET_DIR/debug/oda-benchmarks
case ${1:-} in
court | agreement | overload) exec "$benchmarks" "$@" ;;
inference)
	[ $# -gt 1 ] || set -- inference --out docs/inference-benchmarks.md
	exec "$benchmarks" "$@"
	;;
esac
python=$(scripts/pytorch.sh)
[ $# -gt 0 ] || set -- --out docs/benchmarks.md
"$benchmarks" evaluation --python "$python" "$@"
