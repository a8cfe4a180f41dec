#!/usr/bin/env bash
# Measures what the protocol's calls weigh, in the runtime's own wasm, and writes runtime/src/weights/.
#
#   scripts/weights.sh                  all pallets
#   scripts/weights.sh pallet_training  only this one
#
# Needs frame-omni-bencher (installed here if it is missing, which takes long) and an otherwise idle machine.
# Run it, and commit the result, whenever a call or the evaluator changes. Afterwards the test `court` shows that every
# instruction is still charged for, and `scripts/benchmarks.sh court` what is charged beside the time that it takes here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

readonly BENCHER_VERSION=0.28.0
# Of the crate's archive, whose Cargo.lock has the checksums of all others.
readonly BENCHER_SHA256=64aa73962867dd69a0a1c1ae458dcddc7fcc23dbe412747325ffeedc00f327c1
# frame-omni-bencher binds to a C++ library, for which its build reads headers with libclang.
scripts/setup.sh libclang-dev
cache=${ODA_CACHE:-$HOME/.cache/oda}
# shellcheck source=/dev/null
source "$cache/env.sh"

bencher=$(command -v frame-omni-bencher || echo "$cache/omni/bin/frame-omni-bencher")
if [ ! -x "$bencher" ]; then
	echo "==> Installing frame-omni-bencher $BENCHER_VERSION"
	# Fetches it, and runs nothing of it.
	cargo info --quiet "frame-omni-bencher@$BENCHER_VERSION" >/dev/null
	for archive in "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"frame-omni-bencher-$BENCHER_VERSION.crate"; do
		echo "$BENCHER_SHA256  $archive" | sha256sum --check --quiet ||
			fail "frame-omni-bencher $BENCHER_VERSION is not what was pinned" "Its archive is $archive."
	done
	CARGO_TARGET_DIR="$cache/omni/target" cargo install --locked --root "$cache/omni" \
		frame-omni-bencher --version "$BENCHER_VERSION"
	bencher=$cache/omni/bin/frame-omni-bencher
fi

# Its own target directory: another set of features would rebuild much of the usual one.
export CARGO_TARGET_DIR=${ODA_BENCH_TARGET_DIR:-$cache/target-bench}
# Checking builds the wasm, and not the native code beside it.
cargo check --locked -p oda-runtime --features runtime-benchmarks
runtime=$CARGO_TARGET_DIR/debug/wbuild/oda-runtime/oda_runtime.wasm

pallets=("$@")
[ ${#pallets[@]} -gt 0 ] || pallets=(oda_pallet_court pallet_clock pallet_emission pallet_inference pallet_model_registry pallet_oda_staking pallet_peers pallet_reputation pallet_storage_deals pallet_tier_voting pallet_training pallet_verification)
for pallet in "${pallets[@]}"; do
	"$bencher" v1 benchmark pallet --runtime "$runtime" --genesis-builder runtime \
		--genesis-builder-preset development --pallet "$pallet" --extrinsic '*' \
		--steps "${ODA_BENCH_STEPS:-20}" --repeat "${ODA_BENCH_REPEAT:-10}" \
		--template scripts/weights.hbs --output "runtime/src/weights/$pallet.rs"
done
