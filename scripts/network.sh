#!/usr/bin/env bash
# A network of several validators and workers on this machine, each a process with folders, ports and keys of its own.
# `up` builds what it runs; nobody but `down` ends it.
#
#   scripts/network.sh up [--validators N] [--workers M]     makes it, starts it, waits until it finalises
#   scripts/network.sh status [--json]                       what runs: best and final block, peers
#   scripts/network.sh down [--purge]                        stops it; with --purge forgets it, too
#
#   --base PATH       where everything of it lies (~/.local/state/oda/network)
#   --validators N    4 unless said otherwise
#   --workers M       5 unless said otherwise: the roles of a network, dealt out to so many processes
#   --first-port P    the first of three ports of each process, ten apart: peers, JSON-RPC, metrics (30400)
#   --hosts           each on a host of its own: network namespaces on a bridge. Takes root
#   --delay MS        how late what each of these hosts sends arrives. Takes a kernel with netem, and tc
#   --loss PERCENT    how much of what each of these hosts receives is lost. Takes nft
#
# ODA_BIN names a folder of programs to run instead of building them. The keys are those that everybody knows: it is a
# network to try things on.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/common.sh
source scripts/common.sh

case "${1:-}" in
	-h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
	up | status | down) ;;
	*) echo "network.sh: up, status or down; see scripts/network.sh --help" >&2 && exit 2 ;;
esac
need_python "the network"

environment=${ODA_CACHE:-$HOME/.cache/oda}/env.sh
if [ "$1" = up ] && [ -z "${ODA_BIN:-}" ]; then
	scripts/setup.sh
	# shellcheck source=/dev/null
	source "$environment"
	echo "==> Building"
	cargo build --locked --workspace --bin oda-node --bin ml-worker
	export ODA_BIN=$CARGO_TARGET_DIR/debug
elif [ -f "$environment" ]; then
	# The worker needs its libtorch.
	# shellcheck source=/dev/null
	source "$environment"
fi
script=$PWD/scripts/network.py
# Paths in the arguments are where the caller is.
cd "$here"
PYTHONDONTWRITEBYTECODE=1 exec python3 "$script" "$@"
