# shellcheck shell=bash
# What several scripts share; to be sourced.

# Ends a script with a sentence, and what can be done about it a line each.
fail() {
	# shellcheck disable=SC2034 # Set-up reads it when it ends.
	explained=yes
	printf '\n%s stopped: %s\n' "${0##*/}" "$1" >&2
	shift
	for line in "$@"; do printf '  %s\n' "$line" >&2; done
	exit 1
}

# Fails unless python3 is recent enough for what is named.
need_python() {
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
		fail "$1 needs Python 3.11 or later, and python3 is $(python3 --version 2>&1 || true)" \
			"Install a newer one, and put it first on the path."
}

# Fails unless node is recent enough for what is named.
need_node() {
	node -e 'const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 1819 ? 1 : 0)' 2>/dev/null ||
		fail "$1 needs Node.js 18.19 or later, and node is $(node --version 2>&1 || true)" \
			"Install a newer one, and put it first on the path."
}

# Installs Python packages to a folder, unless they are there: those of a file that names each with its version and the
# SHA-256 of its archives, and no others.
python_packages() {
	local file=$1 folder=$2
	cmp -s "$file" "$folder/requirements.txt" && return
	python3 -m pip --version >/dev/null 2>&1 || scripts/setup.sh
	rm -rf -- "$folder"
	PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
		--target "$folder" -r "$file" ||
		fail "the packages of $file could not be installed" \
			"Check the network. What was fetched must have one of the checksums in that file."
	cp "$file" "$folder/requirements.txt"
}
