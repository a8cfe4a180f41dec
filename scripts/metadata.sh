#!/usr/bin/env bash
# Writes the runtime's metadata to ml-worker/client/metadata.scale, from which the worker's client is built.
# To be run, and its result committed, whenever a pallet's calls, storage, events, errors or constants change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One set of features whatever is built, so this builds nothing twice.
ODA_WRITE_METADATA=1 cargo test -p oda-runtime --test metadata
ls -l ml-worker/client/metadata.scale
