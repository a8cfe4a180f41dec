#!/usr/bin/env bash
# Measures how many transactions a second a chain of one validator takes, transfers and commitments, with slots of
# 1 s and of 3 s: sets everything up, builds, starts nodes of its own, prints the page and writes it to
# docs/throughput.md. Needs an otherwise idle machine, and about ten minutes once built.
#
#   scripts/throughput.sh [TRANSACTIONS] [OPTIONS]
#
#   TRANSACTIONS   how many of each kind (30,000 if not given); with too few to fill blocks, say 200, nothing is
#                  written: that is for seeing whether it works
#   OPTIONS        those of oda-throughput (scripts/throughput.sh --help): with any, the page is only printed,
#                  unless --out FILE is one of them
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
# shellcheck source=/dev/null
source "${ODA_CACHE:-$HOME/.cache/oda}/env.sh"
echo "==> Building"
cargo build --locked --workspace --bin oda-node --bin oda-throughput

case "$#:${1:-}" in
	0:* | 1:[0-9]*) set -- "$@" --out "$PWD/docs/throughput.md" ;;
esac
program=$(realpath "$CARGO_TARGET_DIR/debug/oda-throughput")
# Files that OPTIONS name are where the caller is.
cd "$here"
exec "$program" "$@"
