#!/usr/bin/env bash
# Keeps a network of real nodes and workers under constant load, and sees whether what they take stays flat: sets
# everything up, builds, runs, and writes the figures and the plot of docs/soak.md. Needs an otherwise idle machine.
#
#   scripts/soak.sh [--minutes N] [OPTIONS]
#
#   --minutes N   how long the load lasts: 60 if not given
#   OPTIONS       others of oda-soak (scripts/soak.sh --help): all samples go to a file with --csv FILE, chains and
#                 logs are kept with --keep DIR
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"
echo "==> Building"
cargo build --locked --workspace --bin oda-node --bin ml-worker --bin oda-rogue --bin oda-soak

program=$(realpath "$CARGO_TARGET_DIR/debug/oda-soak")
page=$PWD/docs/soak.md
case " $* " in
	*" --minutes"*) ;;
	*) set -- --minutes 60 "$@" ;;
esac
# Files that OPTIONS name are where the caller is.
cd "$here"
exec "$program" --page "$page" "$@"
