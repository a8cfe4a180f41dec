#!/usr/bin/env bash
# Builds the images of docker/ and plays compose.yaml without a container engine: with buildah, as root, on Debian 12.
#
#   scripts/images.sh bases                  the two images that the Dockerfiles begin with, made here: Debian by
#                                            debootstrap, and Rust by this machine's toolchain
#   scripts/images.sh build [--programs DIR] [node|worker]
#                                            these, then oda-node and oda-worker from their Dockerfiles, or one of them; with
#                                            --programs only the stages that run, with the programs of DIR in them
#   scripts/images.sh play                   runs each service of compose.yaml once, each on a host of its own: its
#                                            command, environment, volumes, health check, and how it stops
#   scripts/images.sh purge                  forgets the images
#
# Where a registry can be reached, `docker compose` does all of this (docker/README.md). Images lie in ODA_CACHE
# (~/.cache/oda/images). A build of both takes three quarters of an hour on two cores, and 16 GiB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/common.sh
source scripts/common.sh

readonly BASE=debian:bookworm-slim MIRROR=http://deb.debian.org/debian
rust_image=$(sed -n 's/^FROM \(rust:[^ ]*\) AS build$/\1/p' docker/node.Dockerfile)
cache=${ODA_CACHE:-$HOME/.cache/oda}
images=$cache/images
readonly rust_image cache images

step() { printf '\n==> %s\n' "$*"; }

need_tools() {
	[ "$(id -u)" = 0 ] || fail "it takes root: file systems of images are made"
	local missing=() package
	for package in buildah debootstrap python3-yaml; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" ||
		fail "packages are missing" "As root, run: apt-get install ${missing[*]}"
	# Its own folder and the plainest driver: neither a kernel's overlay nor user namespaces are asked for.
	mkdir -p "$images"
	printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$images/storage" "$images/run" \
		>"$images/storage.conf"
	export CONTAINERS_STORAGE_CONF=$images/storage.conf BUILDAH_ISOLATION=chroot
}

there() { [ -n "$(buildah images --quiet --filter "reference=$1" 2>/dev/null)" ]; }

# A file system that goes when the script ends. debootstrap mounts /proc in it, and leaves that there when it is stopped.
work=
cleanup() {
	if [ -z "$work" ]; then return; fi
	if mountpoint -q "$work/base/proc"; then umount "$work/base/proc"; fi
	rm -rf --one-file-system -- "$work"
}
trap cleanup EXIT

# Commits a folder as an image.
import() {
	local folder=$1 name=$2 container
	shift 2
	container=$(buildah from scratch)
	buildah add --quiet "$container" "$folder/" / >/dev/null
	buildah config --cmd bash "$@" "$container"
	buildah commit --quiet --rm --format docker "$container" "$name"
}

bases() {
	if there "$BASE" && there "$rust_image"; then return; fi
	work=$(mktemp -d "$cache/images.XXXXXX")
	local path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	step "$BASE"
	debootstrap --variant=minbase bookworm "$work/base" "$MIRROR" >"$work/log" ||
		fail "Debian could not be fetched: $(tail -n 1 "$work/log")"
	rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
	import "$work/base" "$BASE" --env "PATH=$path"

	step "$rust_image"
	local root sysroot
	root=$work/base
	sysroot=$(rustc --print sysroot)
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	chroot "$root" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev' \
		>"$work/log" 2>&1 || fail "packages could not be installed: $(tail -n 1 "$work/log")"
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
	# What this machine trusts, which may be more than Debian does.
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
	mkdir -p "$root/usr/local/cargo/bin"
	cp -rL "$sysroot" "$root/usr/local/rust"
	rm -rf "$root/usr/local/rust/share"
	for program in "$root"/usr/local/rust/bin/*; do
		ln -s "/usr/local/rust/bin/${program##*/}" "$root/usr/local/cargo/bin/"
	done
	import "$root" "$rust_image" --env "PATH=/usr/local/cargo/bin:$path" --env CARGO_HOME=/usr/local/cargo
	cleanup && work=
}

# What the last stage of a Dockerfile takes from the one that builds.
from_programs() {
	local name=$1 programs=$2
	work=$(mktemp -d "$cache/images.XXXXXX")
	mkdir -p "$work/out/doc" "$work/src"
	cp LICENSE "$work/src/"
	cp docs/licences.md "$work/out/doc/"
	if [ "$name" = node ]; then
		cp "$programs/oda-node" "$work/out/"
	else
		mkdir -p "$work/out/bin" "$work/out/libtorch"
		cp "$programs/ml-worker" "$work/out/bin/"
		# shellcheck source=/dev/null
		source "$cache/env.sh"
		: "${LIBTORCH:?is set by scripts/setup.sh}"
		# As docker/worker.Dockerfile does it; what was set up long ago may be without licences.
		(
			shopt -s nullglob
			cd "$LIBTORCH/.."
			cp -r --parents torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp*.so* \
				nvidia/cu13/lib/libcudart.so.* nvidia/cu13/lib/libcupti.so.* ./*.dist-info/licenses "$work/out/libtorch/"
		)
	fi
}

build() {
	local programs='' name commit names=(node worker)
	if [ "${1:-}" = --programs ] && [ $# -ge 2 ]; then
		programs=$(realpath "$2")
		shift 2
	fi
	case "$#:${1:-}" in
		0:) ;;
		1:node | 1:worker) names=("$1") ;;
		*) fail "build takes --programs DIR, and node or worker, not: $*" ;;
	esac
	bases
	commit=$(git rev-parse --short=11 HEAD)
	for name in "${names[@]}"; do
		step "oda-$name"
		local options=(--pull-never --format docker --build-arg "COMMIT=$commit" --file "docker/$name.Dockerfile" --tag "oda-$name")
		if [ -n "$programs" ]; then
			from_programs "$name" "$programs"
			options+=(--build-context "build=$work")
		fi
		buildah build "${options[@]}" .
		if [ -n "$work" ]; then cleanup && work=; fi
	done
}

case "${1:-}" in
	bases | build) need_tools && "$@" ;;
	play)
		need_tools
		for image in oda-node oda-worker; do
			there "$image" || fail "there is no image $image" "scripts/images.sh build makes it"
		done
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 scripts/images.py
		;;
	purge) rm -rf -- "$images" ;;
	-h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
	*) echo "images.sh: bases, build, play or purge; see scripts/images.sh --help" >&2 && exit 2 ;;
esac
