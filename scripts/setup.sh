#!/usr/bin/env bash
# Installs the Debian packages that the project needs: `setup.sh build` for
# building and serving, `setup.sh build test` for the tests' tools as well.
# Does nothing, quickly, when they are there. Needs root or sudo only to install.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(gcc libc6-dev pkg-config libvips-dev libjpeg62-turbo-dev)
# Independent readers of the same files (oracles), a browser, and Redis.
test_packages=(libvips-tools libtiff-tools openslide-tools chromium redis-server python3-venv)

go_minor_wanted=26

# The conformance runner (make golden) needs Python with the first two; the
# others are independent readers of the same files, for tests.
python_packages=(numpy==2.4.6 pillow==13.0.0 imagecodecs==2026.3.6 tifffile==2026.3.3 pydicom==3.0.2 rasterio==1.4.4 rio-cogeo==7.0.4)

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

check_toolchains() {
	command -v go >/dev/null || die "Go is not installed; version 1.$go_minor_wanted or later is needed: https://go.dev/dl/"
	local version minor
	version=$(go env GOVERSION)
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	[ "${minor:-0}" -ge "$go_minor_wanted" ] || die "Go is $version; 1.$go_minor_wanted or later is needed: https://go.dev/dl/"
	command -v npm >/dev/null || die "Node with npm is not installed; version 18 or later is needed to build the web page: https://nodejs.org/"
}

# Makes .venv for `make golden` and for tests, which skip what needs it where
# that fails.
python_environment() {
	[ -e ../shared/pims-golden/run.py ] || return 0
	local wanted="${python_packages[*]}"
	[ "$(cat .venv/packages 2>/dev/null)" != "$wanted" ] || return 0
	say "making .venv with $wanted"
	if { [ -x .venv/bin/python ] || python3 -m venv .venv; } && .venv/bin/pip install --quiet --disable-pip-version-check "${python_packages[@]}"; then
		echo "$wanted" >.venv/packages
	else
		say "no .venv could be made; make golden and comparisons with Python's readers will be skipped"
	fi
}

wanted=()
for group in "${@:-build}"; do
	case "$group" in
	build) wanted+=("${build_packages[@]}") ;;
	test)
		wanted+=("${test_packages[@]}")
		trap '[ "$?" -ne 0 ] || python_environment' EXIT
		;;
	*) die "unknown group '$group'; expected build or test" ;;
	esac
done

check_toolchains

if ! command -v dpkg-query >/dev/null; then
	say "this is not Debian, so nothing is installed; the equivalents of these packages are needed: ${wanted[*]}"
	exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null | awk '$1 == "ii" {print $2}') || true
missing=()
for package in "${wanted[@]}"; do
	grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		as_root=(sudo)
	else
		die "these packages are missing and this user may not install them: ${missing[*]}
       run as root: apt-get update && apt-get install --no-install-recommends ${missing[*]}"
	fi
fi

say "installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null ||
	die "apt-get update failed; is the network there? Still missing: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2 ||
	die "apt-get install failed for: ${missing[*]}"
