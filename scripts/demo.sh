#!/usr/bin/env bash
# One model, really improved, a liar caught by the runtime itself, and answers that are paid for: sets everything up,
# builds, and plays it on a local chain with separate worker processes. After the build it takes a few minutes.
#
#   scripts/demo.sh [--json FILE] [--keep DIR]
#
#   --json FILE   also write the closing table for programs
#   --keep DIR    keep chain, blobs and logs there instead of in a temporary folder
#
# Whatever it starts ends with it, also on Ctrl-C.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

args=()
while [ $# -gt 0 ]; do
	case "$1" in
		--json | --keep)
			[ $# -ge 2 ] || { echo "demo.sh: $1 needs a path" >&2 && exit 2; }
			case "$2" in /*) path=$2 ;; *) path=$here/$2 ;; esac
			args+=("$1" "$path") && shift 2
			;;
		-h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
		*) echo "demo.sh: no option '$1'; see scripts/demo.sh --help" >&2 && exit 2 ;;
	esac
done

scripts/setup.sh
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"
echo "==> Building"
cargo build --locked --workspace --bin oda-node --bin ml-worker --bin oda-demo --bin oda-rogue
exec "$CARGO_TARGET_DIR/debug/oda-demo" "${args[@]}"
