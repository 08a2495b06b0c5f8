#!/usr/bin/env bash
# Builds the images of docker/Dockerfile without a container engine (buildah with
# chroot isolation), and runs what was built from their root file systems: the
# server gives a tile, the function answers under the Runtime API's emulator.
# The base images are made here, by mmdebstrap, from Debian's packages and this
# machine's Go and Node. Skipped by name where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "SKIP: test-images: $*"; exit 0; }
for tool in buildah mmdebstrap npm go chroot; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ "$(id -u)" -eq 0 ] || skip "root is needed to build and enter root file systems"

suite=bookworm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pims-images
work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker
# vfs works on every file system; overlay, where it works, copies less.
store=(--root "$work/storage" --runroot "$work/run")
buildah "${store[@]}" images >/dev/null 2>&1 || store+=(--storage-driver vfs)
mounted=()
finish() {
	local status=$? container
	for container in "${mounted[@]}"; do buildah "${store[@]}" umount "$container" >/dev/null || true; done
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT

# image NAME FROM DIRECTORY [CONFIG…]: an image of another one and the files of a directory.
image() {
	local name=$1 from=$2 files=$3 container
	shift 3
	container=$(buildah "${store[@]}" from --pull-never "$from")
	buildah "${store[@]}" add -q "$container" "$files" / >/dev/null
	[ "$#" -eq 0 ] || buildah "${store[@]}" config "$@" "$container"
	buildah "${store[@]}" commit -q --rm "$container" "$name" >/dev/null
}

# What this machine's clients are told about registries and certificates, for
# the stages that fetch; nothing of it is in the images that result.
client_files() { # directory
	local file
	for file in /etc/ssl/certs/ca-certificates.crt "$HOME/.npmrc" "$(npm config get globalconfig)" "$(go env GOENV)"; do
		[ -f "$file" ] && install -D -m 0644 "$file" "$1$file"
	done
	return 0
}

echo "test-images: base images"
base=$cache/$suite.tar
if [ ! -s "$base" ]; then
	mkdir -p "$cache"
	mmdebstrap --quiet --variant=minbase "$suite" "$base.new"
	mv "$base.new" "$base"
fi
image localhost/base scratch "$base"
mkdir -p "$work/go/usr/local" "$work/node/usr/local/lib/node_modules" "$work/node/usr/local/bin"
cp -a "$(go env GOROOT)" "$work/go/usr/local/go"
client_files "$work/go"
image localhost/go localhost/base "$work/go" --env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	--env GOPATH=/go --env GOTOOLCHAIN=local
npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
cp "$(readlink -f "$(command -v node)")" "$work/node/usr/local/bin/node"
cp -a "$npm_folder" "$work/node/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/node/usr/local/bin/npm"
client_files "$work/node"
image localhost/node localhost/base "$work/node" ${NODE_EXTRA_CA_CERTS:+--env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt}
rm -rf "$work/go" "$work/node"

# build TARGET: the image of one target. Module and build caches of this machine
# are lent to it.
version=$(git describe --tags --always --dirty)
build() {
	echo "test-images: $1"
	buildah "${store[@]}" bud --quiet --pull-never --layers -f docker/Dockerfile --target "$1" -t "localhost/$1" \
		--build-arg BASE_IMAGE=localhost/base --build-arg GO_IMAGE=localhost/go --build-arg NODE_IMAGE=localhost/node \
		--build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" \
		--volume "$(go env GOMODCACHE):/go/pkg/mod" --volume "$(go env GOCACHE):/root/.cache/go-build" . >/dev/null
}

# root IMAGE: sets $root to the root file system of an image.
root() {
	local container
	container=$(buildah "${store[@]}" from --pull-never "localhost/$1")
	mounted+=("$container")
	root=$(buildah "${store[@]}" mount "$container")
}

build server
build function
build server-sbom
build function-sbom
root server; server=$root
root function; function=$root
root server-sbom; install -D "$root/server.cdx.json" dist/sbom/server.cdx.json
root function-sbom; install -D "$root/function.cdx.json" dist/sbom/function.cdx.json
for name in server function; do buildah "${store[@]}" inspect --type image "localhost/$name" >"$work/$name.json"; done
du -sm "$server" "$function" | awk '{print "test-images: " $1 " MiB " $2}' | sed "s,$server,server,; s,$function,function,"

cd test && IMAGES_SERVER_ROOT=$server IMAGES_FUNCTION_ROOT=$function IMAGES_CONFIG=$work IMAGES_VERSION=$version \
	go test -count=1 -v ./images
