#!/usr/bin/env bash
# Tests of set-up: that what is fetched is what was pinned, or is not used; and that what is missing is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
passed=0
failed=0

# Runs a function, in a process of its own, where anything that goes wrong ends it.
it() {
	local status
	# A condition would switch -e off in all that it runs.
	set +e
	(set -e && "$1") >"$scratch/log" 2>&1
	status=$?
	set -e
	if [ $status -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok   ${1//_/ }"
	else
		failed=$((failed + 1))
		echo "FAIL ${1//_/ }"
		sed 's/^/     /' "$scratch/log"
	fi
}

# Runs a command that must fail, and must say what is given.
stops_saying() {
	local said=$1 output status
	shift
	set +e
	output=$(set -e && "$@" 2>&1)
	status=$?
	set -e
	echo "$output"
	[ $status -ne 0 ] || { echo "it went on: $*" && return 1; }
	grep -qF "$said" <<<"$output"
}

# A folder like the standard library's, as one packaging has it.
library() {
	mkdir -p "$1"/{core/src,alloc/src,std/tests,stdarch/crates/{core_arch/src,stdarch-test},backtrace,vendor/libc}
	echo 'pub fn add(a: u32, b: u32) -> u32 { a + b }' >"$1/core/src/lib.rs"
	echo 'pub mod vec;' >"$1/alloc/src/lib.rs"
	echo 'pub mod x86;' >"$1/stdarch/crates/core_arch/src/mod.rs"
	echo '[workspace]' >"$1/Cargo.toml"
	echo 'MIT' >"$1/core/LICENSE-MIT"
	echo 'a patch of the distribution' >"$1/std/tests/thread.rs"
	echo 'pub fn trace() {}' >"$1/backtrace/lib.rs"
}

# Set-up as it is here, but for the digest, which is that of the folder above.
mkdir "$scratch/root"
cp -r scripts rust-toolchain.toml "$scratch/root"
library "$scratch/pinned"
rm -r "$scratch"/pinned/{vendor,backtrace,std/tests,stdarch/crates/stdarch-test,core/LICENSE-MIT}
digest=$(source scripts/setup.sh && std_digest "$scratch/pinned")
sed -i "s/^readonly STD_DIGEST=.*/readonly STD_DIGEST=$digest/" "$scratch/root/scripts/setup.sh"

# Takes the sources out of an archive, as on a machine without rustup's network.
set_up_from_archive() (
	tar -cJf "$scratch/std.tar.xz" -C "$scratch/tree" library
	take "$scratch/no-sysroot"
)
# Takes them from the sysroot, where rustup's rust-src puts them.
set_up_from_sysroot() (
	rm -rf "$scratch/sysroot"
	mkdir -p "$scratch/sysroot/lib/rustlib/src/rust"
	cp -r "$scratch/tree/library" "$scratch/sysroot/lib/rustlib/src/rust/"
	take "$scratch/sysroot"
)
take() {
	local sysroot=$1
	# shellcheck disable=SC2329 # Set-up calls it.
	rustc() { case $* in --version) echo "rustc 1.95.0 (0 2026-01-01)" ;; *) echo "$sysroot" ;; esac; }
	# shellcheck source=scripts/setup.sh
	source "$scratch/root/scripts/setup.sh"
	work=$(mktemp -d "$scratch/work.XXXXXX")
	export ODA_RUST_STD_SRC=$scratch/std.tar.xz
	rust_std_sources
	check_std_sources "$work/library"
	echo "taken"
}
fresh_tree() {
	rm -rf "$scratch/tree"
	mkdir "$scratch/tree"
	library "$scratch/tree/library"
}
both_stop_saying() {
	stops_saying "$1" set_up_from_archive
	stops_saying "$1" set_up_from_sysroot
}
both_go_on() {
	set_up_from_archive
	set_up_from_sysroot
}
readonly OTHER="the sources of the standard library are not those of Rust 1.95.0"

the_standard_library_that_was_released_is_taken() {
	fresh_tree
	both_go_on
}
a_changed_byte_of_the_standard_library_stops_set_up() {
	fresh_tree
	sed -i 's/a + b/a - b/' "$scratch/tree/library/core/src/lib.rs"
	both_stop_saying "$OTHER"
}
a_file_too_many_in_the_standard_library_stops_set_up() {
	fresh_tree
	echo 'fn main() {}' >"$scratch/tree/library/core/build.rs"
	both_stop_saying "$OTHER"
}
a_file_of_another_name_in_the_standard_library_stops_set_up() {
	fresh_tree
	mv "$scratch/tree/library/alloc/src/lib.rs" "$scratch/tree/library/alloc/src/mod.rs"
	both_stop_saying "$OTHER"
}
a_link_in_the_standard_library_stops_set_up() {
	fresh_tree
	mv "$scratch/tree/library/alloc" "$scratch/elsewhere"
	ln -s "$scratch/elsewhere" "$scratch/tree/library/alloc"
	both_stop_saying "hold a link"
	rm -rf "$scratch/elsewhere"
}
sources_without_core_stop_set_up() {
	fresh_tree
	rm -r "$scratch/tree/library/core"
	stops_saying "no folder library/core" set_up_from_archive
}
# Distributions differ in what is not compiled.
what_is_not_compiled_of_the_standard_library_may_differ() {
	fresh_tree
	cd "$scratch/tree/library"
	echo 'another patch' >std/tests/thread.rs
	rm -r backtrace vendor core/LICENSE-MIT stdarch/crates/stdarch-test
	both_go_on
}
what_is_not_compiled_of_the_standard_library_is_removed() {
	fresh_tree
	# shellcheck source=scripts/setup.sh
	source "$scratch/root/scripts/setup.sh"
	check_std_sources "$scratch/tree/library"
	local left
	left=$(cd "$scratch/tree/library" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
	[ "$left" = "./Cargo.toml ./alloc/src/lib.rs ./core/src/lib.rs ./stdarch/crates/core_arch/src/mod.rs " ]
}
# Where the real sources are at hand.
the_real_standard_library_is_what_is_pinned_and_a_changed_byte_of_it_is_noticed() {
	source scripts/setup.sh
	work=$(mktemp -d "$scratch/work.XXXXXX")
	tar -xJf "$ODA_RUST_STD_SRC" -C "$work"
	check_std_sources "$work/library"
	printf ' ' >>"$work/library/alloc/src/vec/mod.rs"
	stops_saying "the sources of the standard library are not those" check_std_sources "$work/library"
}

# A Python package without code, and requirements that name it with a checksum.
package() {
	python3 - "$scratch/wheels" <<-'EOF'
		import pathlib, sys, zipfile
		folder = pathlib.Path(sys.argv[1])
		folder.mkdir(exist_ok=True)
		with zipfile.ZipFile(folder / "oda_probe-1.0-py3-none-any.whl", "w") as wheel:
		    wheel.writestr("oda_probe.py", "")
		    info = "oda_probe-1.0.dist-info/"
		    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: oda-probe\nVersion: 1.0\n")
		    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
		    wheel.writestr(info + "RECORD", "")
	EOF
	sha256sum "$scratch/wheels/oda_probe-1.0-py3-none-any.whl" | cut -d ' ' -f 1
}
install_package() (
	source scripts/common.sh
	export PIP_NO_INDEX=1 PIP_FIND_LINKS=$scratch/wheels
	python_packages "$scratch/requirements.txt" "$scratch/packages"
)
a_python_package_with_its_checksum_is_installed_once() {
	echo "oda-probe==1.0 --hash=sha256:$(package)" >"$scratch/requirements.txt"
	install_package
	[ -f "$scratch/packages/oda_probe.py" ]
	rm -r "$scratch/wheels"
	install_package
}
a_python_package_with_another_checksum_is_not_installed() {
	package >/dev/null
	echo "oda-probe==1.0 --hash=sha256:$(printf '0%.0s' {1..64})" >"$scratch/requirements.txt"
	stops_saying "must have one of the checksums" install_package
	[ ! -e "$scratch/packages/oda_probe.py" ]
}
a_python_package_without_a_checksum_is_not_installed() {
	package >/dev/null
	echo "oda-probe==1.0" >"$scratch/requirements.txt"
	stops_saying "must have one of the checksums" install_package
}

# What is committed.
every_version_that_is_asked_for_has_checksums() {
	local in line
	for in in scripts/requirements/*.in tests/numpy/requirements.in pytorch/requirements.in; do
		grep -v '^#' "$in" | while read -r line; do
			grep -A 1 "^$line\b" "${in%.in}.txt" | grep -q -- '--hash=sha256:[0-9a-f]\{64\}' || { echo "$in: $line" && exit 1; }
		done
	done
}
every_package_of_the_lock_file_has_a_checksum() {
	python3 - tests/polkadot-js/package-lock.json <<-'EOF'
		import json, sys
		packages = json.load(open(sys.argv[1]))["packages"]
		without = [name for name, package in packages.items() if name and "integrity" not in package]
		assert len(packages) > 1 and not without, without
	EOF
}

# A program that only says its version.
program() {
	mkdir -p "$scratch/bin"
	# shellcheck disable=SC2016 # The program's own.
	printf '#!/bin/sh\n[ "$1" = --version ] && echo "%s" && exit\nexit 1\n' "$2" >"$scratch/bin/$1"
	chmod +x "$scratch/bin/$1"
}
an_old_python_is_said_to_be_too_old() {
	program python3 "Python 3.10.12"
	source scripts/common.sh
	PATH=$scratch/bin:$PATH stops_saying "this needs Python 3.11 or later, and python3 is Python 3.10.12" need_python this
}
an_old_node_is_said_to_be_too_old() {
	program node v12.22.9
	source scripts/common.sh
	PATH=$scratch/bin:$PATH stops_saying "this needs Node.js 18.19 or later, and node is v12.22.9" need_node this
}

it the_standard_library_that_was_released_is_taken
it a_changed_byte_of_the_standard_library_stops_set_up
it a_file_too_many_in_the_standard_library_stops_set_up
it a_file_of_another_name_in_the_standard_library_stops_set_up
it a_link_in_the_standard_library_stops_set_up
it sources_without_core_stop_set_up
it what_is_not_compiled_of_the_standard_library_may_differ
it what_is_not_compiled_of_the_standard_library_is_removed
[ -z "${ODA_RUST_STD_SRC:-}" ] || it the_real_standard_library_is_what_is_pinned_and_a_changed_byte_of_it_is_noticed
it a_python_package_with_its_checksum_is_installed_once
it a_python_package_with_another_checksum_is_not_installed
it a_python_package_without_a_checksum_is_not_installed
it every_version_that_is_asked_for_has_checksums
it every_package_of_the_lock_file_has_a_checksum
it an_old_python_is_said_to_be_too_old
it an_old_node_is_said_to_be_too_old
echo "set-up: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
