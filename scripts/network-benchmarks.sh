#!/usr/bin/env bash
# Measures how fast a blob goes over loopback by this project's network, by rqbit, by curl from nginx and by a plain copy
# over TLS, and writes docs/network-benchmarks.md. About 14 minutes once built, on an otherwise idle machine; the first
# time it builds rqbit, and installs nginx and curl where they are missing.
#
#   scripts/network-benchmarks.sh             writes the page
#   scripts/network-benchmarks.sh OPTIONS     those of the example `throughput`, say 256 tcp rqbit --sources 4: prints it
#
# The files lie in $TMPDIR, or /tmp: three times 1 GiB; for the page then in /dev/shm, three times 512 MiB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=9.1.0
cache=${ODA_CACHE:-$HOME/.cache/oda}
scripts/setup.sh nginx-light curl
# shellcheck source=/dev/null
source "$cache/env.sh"

export RQBIT=$cache/rqbit/bin/rqbit
if [ "$("$RQBIT" --version 2>/dev/null)" != "rqbit $version" ]; then
	echo "==> Building rqbit $version"
	CARGO_TARGET_DIR=$cache/rqbit/target cargo install --locked "rqbit@$version" --root "$cache/rqbit"
	rm -rf -- "$cache/rqbit/target"
fi

# Optimised as the images are, in a directory of its own.
CARGO_TARGET_DIR=$cache/target-network
cargo build --locked --release -p oda-network --example throughput
[ $# -gt 0 ] || set -- --page docs/network-benchmarks.md
"$CARGO_TARGET_DIR/release/examples/throughput" "$@"
