#!/usr/bin/env bash
# Writes the specifications of the chains that the node knows by name, plain and raw, into a folder.
#
# Usage: chain-spec/make.sh FOLDER [NODE]
#   NODE   the node's binary; without it, the one that cargo builds
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 2
fi

mkdir -p "$1"
folder=$(cd "$1" && pwd)
if [ $# -eq 2 ]; then
	node=("$(realpath "$2")")
else
	cd "$(dirname "${BASH_SOURCE[0]}")/.."
	node=(cargo run --quiet --package oda-node --)
fi

for chain in development local; do
	"${node[@]}" export-chain-spec --chain "$chain" --output "$folder/$chain.json"
	"${node[@]}" export-chain-spec --chain "$chain" --raw --output "$folder/$chain-raw.json"
done
