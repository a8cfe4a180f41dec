#!/usr/bin/env bash
# Simulates reputation under attack: the real pallet, a thousand accounts, a year, and a share of them that is malicious.
# Sets everything up, builds, and writes docs/simulation.md and its plots. Some minutes of one core once built.
#
#   scripts/simulation.sh            writes the page, with the seed that it says
#   scripts/simulation.sh OPTIONS    those of oda-simulation (scripts/simulation.sh --help), say --seed 7; they go to a
#                                    folder of the caller's with --out DIR
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"
echo "==> Building"
cargo build --locked --workspace --bin oda-simulation

program=$(realpath "$CARGO_TARGET_DIR/debug/oda-simulation")
case " $* " in
	*" --out"*) ;;
	*) set -- --out "$PWD/docs" "$@" ;;
esac
# Folders that OPTIONS name are where the caller is.
cd "$here"
exec "$program" "$@"
