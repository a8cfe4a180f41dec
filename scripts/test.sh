#!/usr/bin/env bash
# Sets everything up and runs the checks: all of them, or only the groups named.
#
#   scripts/test.sh                 all of these but pytorch
#   scripts/test.sh lint            formatting, scripts, images, what the dependencies are, clippy (warnings are errors)
#   scripts/test.sh unit            every crate's own tests
#   scripts/test.sh numpy           the second evaluator, in Python, on test vectors and fresh random graphs
#   scripts/test.sh polkadot-js     a trainer and a user with polkadot.js, against real node and worker processes
#   scripts/test.sh openapi         the provider's HTTP API against its own description, by a fuzzer and a generated client
#   scripts/test.sh walk            what the pages tell a new user to do, as they say it
#   scripts/test.sh beside          the last three at once
#   scripts/test.sh fuzz            half a minute of each fuzz target
#   scripts/test.sh e2e             real node and worker processes
#   scripts/test.sh pytorch         the bridge for PyTorch, whose download is gigabytes
#
# One set of features and one profile for everything, so that nothing is built twice; a group builds what it runs.
#
# Tests that cannot run here, for lack of root or of a device, are counted and named at the end. With ODA_MAY_SKIP set to
# the names of those that may be skipped, separated by space, others fail the script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/common.sh
source scripts/common.sh

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(lint unit numpy fuzz beside e2e)
for group in "${groups[@]}"; do
	case "$group" in
		lint | unit | numpy | polkadot-js | openapi | fuzz | e2e | walk | beside | pytorch) ;;
		*) echo "test.sh: no group '$group'; there are: lint, unit, numpy, polkadot-js, openapi, walk, beside, fuzz, e2e, pytorch" >&2 && exit 2 ;;
	esac
done

cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh
# shellcheck source=/dev/null
source "$cache/env.sh"

step() {
	local started=$SECONDS
	echo "==> $*"
	"$@"
	echo "==> $1 ${2:-}: $((SECONDS - started)) s"
}

# Where tests leave a line each that cannot run here.
ODA_SKIPPED=$(mktemp)
export ODA_SKIPPED
trap 'rm -f -- "$ODA_SKIPPED"' EXIT

# These targets of the workspace.
build() {
	step cargo build --locked --workspace "$@"
}

lint() {
	step cargo fmt --all --check
	python_packages scripts/requirements/lint.txt "$cache/lint"
	step "$cache/lint/bin/shellcheck" --external-sources scripts/*.sh scripts/tests/*.sh chain-spec/*.sh .ci/run
	step "$cache/lint/bin/hadolint" docker/*.Dockerfile
	step scripts/tests/setup.sh
	need_python "the scripts' tests"
	PYTHONDONTWRITEBYTECODE=1 step python3 -m unittest discover -s scripts/tests
	step scripts/audit.sh offline
	step cargo clippy --locked --workspace --all-targets -- -D warnings
}

unit() {
	step cargo test --locked --workspace -- --skip scenario::
	step cargo test --locked --manifest-path patches/wasm-opt/Cargo.toml
}

numpy() {
	local home=tests/numpy packages=$cache/numpy seed
	need_python "the second evaluator"
	python_packages $home/requirements.txt "$packages"
	export PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1
	step python3 -m unittest discover -s $home
	step python3 $home/check.py evaluator/vectors/*.json
	build --example vectors
	seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
	echo "==> 1,000 random graphs of seed $seed"
	"$CARGO_TARGET_DIR/debug/examples/vectors" random 1000 "$seed" | step python3 $home/check.py -
}

polkadot-js() {
	command -v npm >/dev/null || scripts/setup.sh nodejs npm
	need_node "what one does with polkadot.js"
	build --bin oda-node --bin ml-worker
	cd tests/polkadot-js
	# It refuses what has not the checksum of the lock file; and no package has anything to run.
	step npm ci --no-audit --no-fund --ignore-scripts
	ODA_BIN=$CARGO_TARGET_DIR/debug step npm test
	cd ../..
}

openapi() {
	local packages=$cache/openapi
	need_python "the test of the HTTP API"
	python_packages scripts/requirements/openapi.txt "$packages"
	build --bin oda-node --bin ml-worker
	ODA_BIN=$CARGO_TARGET_DIR/debug PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 step python3 tests/openapi/check.py
}

fuzz() {
	step scripts/fuzz.sh 30
}

# Networks of their own, in which tests have hosts and routers, are for root alone.
network_tools() {
	if [ "$(id -u)" = 0 ] && ! { command -v ip && command -v tc && command -v nft; } >/dev/null; then
		scripts/setup.sh iproute2 nftables
	fi
}

e2e() {
	network_tools
	build --bins
	# Most wait for blocks rather than for the processor, so that eight at a time are not too many for two cores.
	# One takes its minutes whatever runs beside it: from the beginning, so that nobody waits for it at the end.
	local alone=(an_honest_keeper_never_loses_a_unit every_transfer_is_counted_and_a_small_load_is_no_figure
		a_killed_validator_comes_back_as_one_and_who_stays_away_is_none_any_more
		a_blob_goes_from_behind_one_router_to_behind_another)
	local soak=what_processes_take_stays_flat_under_constant_load soaking
	step cargo test --locked --workspace --test scenarios --no-run
	cargo test --locked --workspace --test scenarios -- "$soak" &
	soaking=$!
	step cargo test --locked --workspace --test scenarios -- --test-threads=7 "${alone[@]/#/--skip=}" --skip="$soak"
	step wait "$soaking"
	# One measures, others have things die, or peers call each other, on time: with the machine to themselves.
	step cargo test --locked --workspace --test scenarios -- --test-threads=1 "${alone[@]}"
}

walk() {
	network_tools
	need_python "the walk"
	build --bin oda-node --bin ml-worker
	ODA_BIN=$CARGO_TARGET_DIR/debug PYTHONDONTWRITEBYTECODE=1 step python3 scripts/walk.py
}

# Each of these waits for the blocks of a chain of its own most of the time: together they take little longer than one.
beside() {
	local all=(polkadot-js openapi walk) logs group failed=()
	local -A running
	# What they install with the system's package manager, which one at a time can use.
	command -v npm >/dev/null || scripts/setup.sh nodejs npm
	network_tools
	build --bin oda-node --bin ml-worker
	logs=$(mktemp -d)
	for group in "${all[@]}"; do
		"$group" >"$logs/$group" 2>&1 &
		running[$group]=$!
	done
	for group in "${all[@]}"; do
		wait "${running[$group]}" || failed+=("$group")
		cat "$logs/$group"
	done
	rm -rf -- "$logs"
	[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
}

pytorch() {
	local python
	python=$(scripts/pytorch.sh)
	build --bin oda-node --bin ml-worker
	ODA_BIN=$CARGO_TARGET_DIR/debug PYTHONDONTWRITEBYTECODE=1 step "$python" -m unittest discover -s pytorch/tests
}

for group in "${groups[@]}"; do
	"$group"
done
echo "==> all passed: ${groups[*]}"

sort -u -o "$ODA_SKIPPED" "$ODA_SKIPPED"
echo "==> skipped: $(wc -l <"$ODA_SKIPPED")"
cat "$ODA_SKIPPED"
if [ -n "${ODA_MAY_SKIP+set}" ]; then
	unexpected=0
	while read -r _ name _; do
		case " ${ODA_MAY_SKIP//[[:space:]]/ } " in
			*" ${name%:} "*) ;;
			*) echo "test.sh: ${name%:} must not be skipped here" >&2 && unexpected=1 ;;
		esac
	done <"$ODA_SKIPPED"
	exit "$unexpected"
fi
