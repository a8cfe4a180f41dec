#!/usr/bin/env bash
# Writes chains' specifications, plain and raw, into a folder: of the development chain and the local one, or of a
# public network.
#
# Usage: chain-spec/make.sh FOLDER [NODE]
#        chain-spec/make.sh FOLDER [NODE] --testnet GENESIS [--name NAME] [--id ID] [--boot-node ADDRESS]...
#   NODE      the node's binary; without it, the one that cargo builds
#   GENESIS   who begins the network, see README.md; no key that everybody knows may be among them
#   NAME, ID  what the network is called (ODA Testnet), and by what nodes tell it from others (oda_testnet)
#   ADDRESS   a node to start from, /dns/HOST/tcp/PORT/p2p/PEER; others find the network by these
set -euo pipefail

usage() {
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 2
}

places=() genesis='' people=()
while [ $# -gt 0 ]; do
	case "$1" in
		--testnet | --name | --id | --boot-node)
			[ $# -ge 2 ] || usage
			if [ "$1" = --testnet ]; then genesis=$(realpath "$2"); else people+=("$1" "$2"); fi
			shift 2
			;;
		-*) usage ;;
		*) places+=("$1") && shift ;;
	esac
done
case ${#places[@]} in 1 | 2) ;; *) usage ;; esac
[ -n "$genesis" ] || [ ${#people[@]} -eq 0 ] || usage

mkdir -p "${places[0]}"
folder=$(cd "${places[0]}" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ ${#places[@]} -eq 2 ]; then
	node=("$(realpath "${places[1]}")")
else
	cd "$here/.."
	node=(cargo run --quiet --package oda-node --)
fi

if [ -z "$genesis" ]; then
	for chain in development local; do
		"${node[@]}" export-chain-spec --chain "$chain" --output "$folder/$chain.json"
		"${node[@]}" export-chain-spec --chain "$chain" --raw --output "$folder/$chain-raw.json"
	done
	exit
fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
"${node[@]}" export-chain-spec --chain local --output "$work/local.json"
"${node[@]}" export-chain-spec --chain testnet --output "$work/testnet.json"
"$here/genesis.py" "$work/testnet.json" "$genesis" "$work/plain.json" --refuse "$work/local.json" "${people[@]}"
# Only now, so that a specification that holds no chain is not left behind.
"${node[@]}" export-chain-spec --chain "$work/plain.json" --raw --output "$work/raw.json"
mv "$work/plain.json" "$folder/testnet.json"
mv "$work/raw.json" "$folder/testnet-raw.json"
