#!/usr/bin/env bash
# Fuzzes under libFuzzer, with coverage of this workspace's own crates.
#
#   scripts/fuzz.sh SECONDS                 every target for so long, from the committed corpus
#   scripts/fuzz.sh SECONDS runtime         only this one
#   scripts/fuzz.sh keep                    adds what was found to the committed corpus, reduced to what covers more
#
# What is found lies under ~/.cache/oda/fuzz, and a later run goes on from it. A crash ends the script, with the file to
# give to the target again: ~/.cache/oda/target/debug/fuzz-runtime FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?usage: scripts/fuzz.sh SECONDS [TARGET...] | scripts/fuzz.sh keep [TARGET...]}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(evaluator runtime)
cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
# shellcheck source=/dev/null
source "$cache/env.sh"

# A wrapper for the workspace's crates alone: the others are the usual build's. The runtime's wasm is not needed.
export RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/fuzz-rustc.sh SKIP_WASM_BUILD=1
optimised=()
if [ "$seconds" != keep ] && [ "$seconds" -ge 600 ]; then
	# Worth a few more minutes of building: this workspace's crates and libFuzzer.
	for crate in libfuzzer-sys $(cargo tree --locked -p oda-fuzz -e normal --prefix none | grep "($PWD" | cut -d ' ' -f 1 | sort -u); do
		optimised+=(--config "profile.dev.package.$crate.opt-level=3")
	done
	export CARGO_INCREMENTAL=0 CXXFLAGS=-march=native
fi
cargo build --locked --workspace --bin fuzz-evaluator --bin fuzz-runtime "${optimised[@]}" \
	--message-format json-render-diagnostics >"$cache/fuzz-build.json"
for target in "${targets[@]}"; do
	binary=$(sed -n 's/.*"executable":"\([^"]*fuzz-'"$target"'\)".*/\1/p' "$cache/fuzz-build.json")
	found=$cache/fuzz/$target
	mkdir -p "$found"
	if [ "$seconds" = keep ]; then
		merged=$(mktemp -d)
		"$binary" -set_cover_merge=1 -use_counters=0 "$merged" "fuzz/corpus/$target" "$found"
		rm -f fuzz/corpus/"$target"/*
		mv "$merged"/* "fuzz/corpus/$target"
		rmdir "$merged"
		continue
	fi
	options=(-max_len=4096)
	# Its inputs have far more features, and libFuzzer would count the rare ones for longer than it runs the chain.
	[ "$target" = runtime ] && options=(-max_len=192 -entropic=0)
	echo "==> $target for $seconds s"
	"$binary" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 -timeout=30 "${options[@]}" \
		-artifact_prefix="$cache/fuzz/$target-" "$found" "fuzz/corpus/$target"
done
