#!/usr/bin/env bash
# Sets everything up and runs the checks: all of them, or only the groups named.
#
#   scripts/test.sh                 lint, unit and e2e
#   scripts/test.sh lint            formatting, shell scripts, clippy (warnings are errors)
#   scripts/test.sh unit            every crate's own tests
#   scripts/test.sh e2e             real node and worker processes
#
# One set of features and one profile for everything, so that nothing is built twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(lint unit e2e)
for group in "${groups[@]}"; do
	case "$group" in
		lint | unit | e2e) ;;
		*) echo "test.sh: no group '$group'; there are: lint, unit, e2e" >&2 && exit 2 ;;
	esac
done

scripts/setup.sh
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"

step() {
	local started=$SECONDS
	echo "==> $*"
	"$@"
	echo "==> $1 ${2:-}: $((SECONDS - started)) s"
}

lint() {
	step cargo fmt --all --check
	if command -v shellcheck >/dev/null; then
		step shellcheck scripts/*.sh .ci/run
	else
		echo "==> shellcheck is not installed: shell scripts are not checked"
	fi
	step cargo clippy --locked --workspace --all-targets -- -D warnings
}

unit() {
	step cargo test --locked --workspace --all-targets --exclude oda-e2e
	step cargo test --locked --workspace --doc --exclude oda-e2e
}

e2e() {
	# The scenarios start the binaries of the same build.
	step cargo build --locked --workspace --all-targets
	step cargo test --locked --workspace --test scenarios -- --test-threads=1
}

for group in "${groups[@]}"; do
	"$group"
done
echo "==> all passed: ${groups[*]}"
