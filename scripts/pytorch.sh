#!/usr/bin/env bash
# Installs PyTorch and NumPy for the tests of the bridge and for the benchmarks, unless they are there, and prints which
# Python has them. Gigabytes are downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/common.sh
source scripts/common.sh

need_python PyTorch
requirements=pytorch/requirements.txt
packages=${ODA_CACHE:-$HOME/.cache/oda}/pytorch
if ! cmp -s $requirements "$packages/requirements.txt"; then
	{
		python3 -c 'import ensurepip' 2>/dev/null || scripts/setup.sh python3-venv
		rm -rf -- "$packages"
		python3 -m venv "$packages"
		"$packages/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
			--only-binary=:all: -r $requirements
		cp $requirements "$packages"
	} >&2
fi
echo "$packages/bin/python"
