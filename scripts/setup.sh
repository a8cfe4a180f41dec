#!/usr/bin/env bash
# Prepares a machine to build, test and run this project:
#
#   1. system packages   2. Rust   3. the wasm target   4. libtorch for CPUs   5. an environment file
#
# Whatever is there already is left alone, so a second run takes seconds. What is fetched must have the checksum that is
# committed here: the standard library's source below, libtorch in scripts/requirements/libtorch.txt. Debian's packages
# are signed, and rustup checks its own.
#
# Usage: scripts/setup.sh [PACKAGE…]   further Debian packages, for the script that calls it
#
# Environment:
#   ODA_CACHE          where libtorch and the build go            (default ~/.cache/oda)
#   LIBTORCH           a libtorch 2.11 to use instead of fetching one
#   ODA_RUST_STD_SRC   a .tar.xz of the `library` folder of this Rust's sources, for machines on which
#                      `rustup target add` does not work; what is compiled of it must be what was released
set -euo pipefail

readonly TORCH_VERSION=2.11.0
readonly WASM_TARGET=wasm32v1-none
# Of what is compiled of the standard library of the Rust in rust-toolchain.toml, as std_digest computes it. rustup's
# rust-src and Debian's give the same.
readonly STD_DIGEST=3b924749fbb3388a92441cabd4aec0c1413b4ac90c8202c4b2cdb8b108dce63f
readonly MIN_FREE_GIB=15

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${ODA_CACHE:-$HOME/.cache/oda}
work=
readonly root cache
# shellcheck source=scripts/common.sh
source "$root/scripts/common.sh"

step() { printf '\n==> %s\n' "$*"; }
say() { printf '    %s\n' "$*"; }
cleanup() {
	local status=$?
	[ -z "$work" ] || rm -rf -- "$work"
	if [ "$status" -ne 0 ] && [ -z "${explained:-}" ]; then
		printf '\nSet-up stopped on an unexpected error. To see where: bash -x scripts/setup.sh\n' >&2
	fi
}

check_machine() {
	step "Checking the machine"
	[ "$(uname -s)" = Linux ] || fail "this script knows Linux only" \
		"Install Rust, protoc and libtorch $TORCH_VERSION yourself and set LIBTORCH."
	mkdir -p "$cache" 2>/dev/null || fail "cannot write to $cache" \
		"Set ODA_CACHE to a folder that you may write to."
	local free
	free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1048576) }')
	# A built tree has taken its space already.
	if [ ! -d "$cache/target" ] && [ "$free" -lt "$MIN_FREE_GIB" ]; then
		fail "$cache has $free GiB free, a build needs $MIN_FREE_GIB" \
			"Make room, or set ODA_CACHE to a folder on another disk."
	fi
	say "$free GiB free in $cache"
	work=$(mktemp -d "$cache/setup.XXXXXX")
}

# Installs those of the named Debian packages that are missing.
need_packages() {
	local missing=() package
	if ! command -v apt-get >/dev/null; then
		if command -v cc protoc pkg-config curl xz unzip git >/dev/null && pkg-config --exists openssl; then
			say "all there"
			return
		fi
		fail "this is not a Debian or Ubuntu system" \
			"Install these, under your distribution's names, and run the script again: $*" \
			"  Fedora: dnf install gcc gcc-c++ make pkgconf openssl-devel protobuf-compiler curl xz unzip git python3-pip" \
			"  Arch:   pacman -S base-devel openssl protobuf curl xz unzip git python-pip"
	fi
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		say "all there"
		return
	fi
	say "installing ${missing[*]}"
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || fail "packages are missing and this is not root" \
			"As root, run: apt-get install ${missing[*]}"
		apt=(sudo "${apt[@]}")
	fi
	"${apt[@]}" install -y -qq "${missing[@]}" >"$work/apt.log" 2>&1 ||
		{ "${apt[@]}" update -qq && "${apt[@]}" install -y -qq "${missing[@]}"; } >"$work/apt.log" 2>&1 || {
		tail -n 5 "$work/apt.log" >&2
		fail "the packages could not be installed" \
			"Check the network and the package sources, then run: apt-get update && apt-get install ${missing[*]}"
	}
}

system_packages() {
	step "System packages"
	need_packages build-essential ca-certificates curl git libssl-dev pkg-config protobuf-compiler unzip xz-utils "$@"
	# Any Python will do, not only the distribution's.
	python3 -m pip --version >/dev/null 2>&1 || need_packages python3 python3-pip
}

rust_toolchain() {
	step "Rust"
	local channel
	channel=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$root/rust-toolchain.toml")
	cd "$root"
	command -v cargo >/dev/null || fail "Rust is not installed" \
		"Install it as https://rustup.rs says, open a new shell, and run the script again."
	if command -v rustup >/dev/null && ! rustc --version >/dev/null 2>&1; then
		say "installing Rust $channel"
		rustup toolchain install "$channel" --profile minimal -c clippy -c rustfmt || fail \
			"Rust $channel could not be installed" "Check the network and run: rustup toolchain install $channel"
	fi
	case $(rustc --version) in
	"rustc $channel "*) say "$(rustc --version)" ;;
	*) fail "Rust $channel is needed, this is $(rustc --version)" "Install rustup as https://rustup.rs says." ;;
	esac
}

wasm_target() {
	step "The wasm target $WASM_TARGET"
	local lib
	lib=$(rustc --print sysroot)/lib/rustlib/$WASM_TARGET/lib
	if compgen -G "$lib/libcore-*.rlib" >/dev/null; then
		say "there"
		return
	fi
	# It goes by its own list of what is installed, and says yes where the files are gone.
	if command -v rustup >/dev/null && rustup target add "$WASM_TARGET" >"$work/rustup.log" 2>&1 &&
		compgen -G "$lib/libcore-*.rlib" >/dev/null; then
		say "added by rustup"
		return
	fi
	say "rustup cannot add it here: building core and alloc from source"
	[ -w "$(rustc --print sysroot)/lib/rustlib" ] || fail "$(rustc --print sysroot) is not writable" \
		"Run the script as the owner of the Rust installation."
	rust_std_sources
	check_std_sources "$work/library"
	build_wasm_target "$lib"
	say "built"
}

# Unpacks the sources of this Rust's standard library to $work/library.
rust_std_sources() {
	local version archive deb
	version=$(rustc --version | awk '{ print $2 }')
	local here
	here=$(rustc --print sysroot)/lib/rustlib/src/rust/library
	if [ -d "$here/core" ]; then
		say "from the sources in the sysroot"
		cp -r "$here" "$work/library"
		return
	fi
	archive=${ODA_RUST_STD_SRC:-}
	if [ -n "$archive" ]; then
		say "from $archive"
		tar -xJf "$archive" -C "$work" || fail "$archive cannot be unpacked" \
			"ODA_RUST_STD_SRC names a .tar.xz with the folder library/ of the Rust $version sources."
	else
		say "from Debian's rust-src"
		if ! deb=$(debian_rust_src "$version") || ! curl -fsSL --retry 2 -o "$work/rust-src.deb" "$deb"; then
			fail "there are no sources of Rust $version to be had" \
				"On a machine with rustup and its network: rustup target add $WASM_TARGET" \
				"Elsewhere, name an archive of the sources' folder library/ in ODA_RUST_STD_SRC."
		fi
		mkdir "$work/deb"
		dpkg-deb -x "$work/rust-src.deb" "$work/deb"
		mv "$work/deb/usr/src/rustc-$version/library" "$work/library"
	fi
}

# Removes from a folder `library` what core, alloc and compiler_builtins are not built from, and in which packagings
# differ; stops unless all that remains is what was released. Dependencies are checked by Cargo, which fetches them
# itself: their checksums are in the Cargo.lock that remains.
check_std_sources() {
	local library=$1 digest
	[ -f "$library/core/src/lib.rs" ] || fail "the sources hold no folder library/core"
	rm -rf "$library"/{vendor,backtrace} "$library"/{alloctests,coretests,std}/{tests,benches}
	find "$library/stdarch" -mindepth 1 -maxdepth 1 ! -name crates -exec rm -rf {} +
	find "$library/stdarch/crates" -mindepth 1 -maxdepth 1 ! -name core_arch -exec rm -rf {} +
	find "$library" -type f -name 'LICENSE*' -delete
	[ -z "$(find "$library" ! -type f ! -type d -print -quit)" ] ||
		fail "the sources of the standard library hold a link, which could lead anywhere" \
			"Nothing has been built from them. Remove them, or ODA_RUST_STD_SRC, and run the script again."
	digest=$(std_digest "$library")
	[ "$digest" = "$STD_DIGEST" ] ||
		fail "the sources of the standard library are not those of Rust $(rustc --version | awk '{ print $2 }')" \
			"Their digest is       $digest," \
			"but it should be      $STD_DIGEST." \
			"Nothing has been built from them. Remove them, or ODA_RUST_STD_SRC, and run the script again."
}

# Prints the SHA-256 of the list of a folder's files, each with its SHA-256, in the order of their names' bytes.
std_digest() {
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

# Prints the address of Debian's rust-src for a version of Rust, in the pool of this machine's mirror.
debian_rust_src() {
	local mirror name revision
	mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' \
		/etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
		grep '/debian/*$' | head -n 1)
	[ -n "$mirror" ] || return 1
	mirror=${mirror%/}/pool/main/r
	# Not every mirror lists its folders, so the package's few revisions are tried by name.
	for name in rustc "rustc-${1%.*}"; do
		for revision in 1 2 3 4; do
			local file=$mirror/$name/rust-src_$1+dfsg1-${revision}_all.deb
			if curl -fsSI --connect-timeout 15 -o /dev/null "$file" 2>/dev/null; then
				echo "$file"
				return
			fi
		done
	done
	return 1
}

# Builds core, alloc and compiler_builtins into the sysroot, where rustc looks for the target.
build_wasm_target() {
	local lib=$1 crate=$work/crate rustc sysroot flags
	# Cargo takes the standard library's sources from the sysroot only: give it one with links to the real.
	sysroot=$work/sysroot
	rustc=$(rustc --print sysroot)/bin/rustc
	mkdir -p "$sysroot/lib/rustlib/src/rust" "$crate/src"
	mv "$work/library" "$sysroot/lib/rustlib/src/rust/library"
	cat >"$crate/Cargo.toml" <<-'EOF'
		[package]
		name = "target"
		version = "0.0.0"
		edition = "2021"
		[workspace]
	EOF
	echo '#![no_std]' >"$crate/src/lib.rs"
	# Bitcode, for the runtime is linked with link-time optimisation. Paths as in the target that rustup adds: what panics
	# say where they happened, and a machine's folders do not belong into the runtime.
	flags=-Cembed-bitcode=yes
	flags+=$'\x1f'--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')
	(
		cd "$crate"
		__CARGO_TESTS_ONLY_SRC_ROOT="$sysroot/lib/rustlib/src/rust/library" \
			RUSTC="$rustc" RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=$flags CARGO_TARGET_DIR="$work/target" \
			cargo build --release --target "$WASM_TARGET" \
			-Zbuild-std=core,alloc,compiler_builtins -Zbuild-std-features=compiler-builtins-mem
	) >"$work/std.log" 2>&1 || {
		tail -n 5 "$work/std.log" >&2
		fail "the standard library did not build for $WASM_TARGET" \
			"Its dependencies come from the crates registry: check the network."
	}
	mkdir -p "$lib"
	cp "$work/target/$WASM_TARGET/release/deps"/lib{core,alloc,compiler_builtins}-*.rlib "$lib/"
}

# Whether a folder holds the libtorch that the worker is built for.
is_libtorch() {
	local header=$1/include/torch/headeronly/version.h
	[ -e "$1/lib/libtorch_cpu.so" ] && [ -f "$header" ] &&
		grep -q '^#define TORCH_VERSION_MAJOR 2$' "$header" && grep -q '^#define TORCH_VERSION_MINOR 11$' "$header"
}

libtorch() {
	step "libtorch $TORCH_VERSION"
	local home=$cache/libtorch-$TORCH_VERSION
	if [ -n "${LIBTORCH:-}" ] && is_libtorch "$LIBTORCH"; then
		torch=$LIBTORCH
		say "there: $torch"
		return
	fi
	[ -z "${LIBTORCH:-}" ] || say "LIBTORCH=$LIBTORCH is no libtorch 2.11: ignored"
	torch=$home/torch
	if is_libtorch "$torch"; then
		say "there: $torch"
		return
	fi
	mkdir "$work/libtorch"
	libtorch_wheel || fail "libtorch could not be fetched, or is not what scripts/requirements/libtorch.txt says" \
		"Check the network, or unpack libtorch $TORCH_VERSION for CPUs (cxx11 ABI) somewhere and name its folder in LIBTORCH."
	rm -rf -- "$home"
	mv "$work/libtorch" "$home"
	is_libtorch "$torch" || fail "what was fetched is no libtorch $TORCH_VERSION"
	say "installed: $torch"
}

# The Python package's libraries, which are built for CUDA but complete without it, with the two of CUDA's that they need
# everywhere.
libtorch_wheel() {
	local machine wheel
	machine=$(uname -m)
	say "fetching the Python package"
	mkdir "$work/wheels"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
		--python-version 3.11 --platform "manylinux_2_28_$machine" --platform "manylinux_2_25_$machine" \
		--platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
		-d "$work/wheels" -r "$root/scripts/requirements/libtorch.txt" || return 1
	unzip -q "$work"/wheels/torch-*.whl 'torch/include/*' 'torch/lib/libc10.so' 'torch/lib/libtorch_cpu.so' \
		'torch/lib/libgomp*' 'torch/lib/libtorch_global_deps.so' -d "$work/libtorch" || return 1
	for wheel in "$work"/wheels/nvidia_*.whl; do
		unzip -q "$wheel" 'nvidia/cu13/lib/libcu*.so.*' -d "$work/libtorch" || return 1
	done
	# The licences go where the libraries go.
	for wheel in "$work"/wheels/*.whl; do
		unzip -q "$wheel" '*.dist-info/licenses/*' -d "$work/libtorch" || return 1
	done
	# The package's own libtorch.so pulls the CUDA half in: a linker script names the other one.
	echo 'INPUT(-ltorch_cpu -lc10)' >"$work/libtorch/torch/lib/libtorch.so"
}

environment_file() {
	step "The environment file"
	local file=$cache/env.sh
	cat >"$work/env.sh" <<-EOF
		# Written by scripts/setup.sh. Source it before building, testing or running the worker.
		export LIBTORCH="$torch"
		export LIBTORCH_CXX11_ABI=1
		case ":\${LD_LIBRARY_PATH:-}:" in
		*":\$LIBTORCH/lib:"*) ;;
		*) export LD_LIBRARY_PATH="\$LIBTORCH/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" ;;
		esac
		export OPENSSL_NO_VENDOR=1
		export CARGO_TARGET_DIR="\${CARGO_TARGET_DIR:-$cache/target}"
	EOF
	if cmp -s "$work/env.sh" "$file"; then
		say "there: $file"
	else
		mv "$work/env.sh" "$file"
		say "written: $file"
	fi
}

main() {
	torch=
	trap cleanup EXIT
	check_machine
	system_packages "$@"
	rust_toolchain
	wasm_target
	libtorch
	environment_file
	printf '\nReady. Next: . %q && cargo build --workspace\n' "$cache/env.sh"
}

# Its tests source it.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
