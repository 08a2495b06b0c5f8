#!/usr/bin/env bash
# Checks of the tree that no Go linter makes. Prints every violation; exits 1 if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
violation() { # title, lines
	[ -z "$2" ] && return
	printf '%s\n%s\n' "$1" "$2" >&2
	failed=1
}

go_files() { git ls-files -z '*.go'; }

violation 'cgo outside internal/codec:' \
	"$(go_files | xargs -0 grep -lE '^import "C"' | grep -v '^internal/codec/' || true)"

violation 'a function main of 40 lines or more (functions/ is wiring only):' \
	"$(git ls-files 'functions/*/main.go' | xargs -r wc -l | awk '$2 != "total" && $1 >= 40 {print $2 ": " $1 " lines"}')"

violation 'registration in init():' \
	"$(go_files | xargs -0 grep -nE '^func init\(\)' || true)"

violation 'the npm lock names a registry (npm ci would ignore the one that is configured):' \
	"$(grep -n '"resolved"' web/package-lock.json || true)"

violation 'a tracked file over 1 MB:' \
	"$(git ls-files -z | xargs -0 -r stat -c '%s %n' 2>/dev/null | awk '$1 > 1048576 {print $2 ": " $1 " bytes"}')"

exit "$failed"
