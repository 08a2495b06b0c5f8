#!/usr/bin/env bash
# Scores this server against recorded answers of Cytomine PIMS: imports the
# corpus of ../shared/pims-golden with the command, starts it, runs the corpus'
# own runner and prints the table by group.
#
#   golden.sh           also writes docs/pims-compatibility.md
#   golden.sh --check   fails when a case fails that the page does not list
#
# Further arguments go to the runner (--only GROUP, --case ID, --verbose).
# Skipped, by name, where the corpus or Python with Pillow and numpy is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
	printf 'golden: skipped: %s\n' "$*" >&2
	exit 0
}

corpus=${PIMS_GOLDEN:-../shared/pims-golden}
[ -f "$corpus/run.py" ] || skip "$corpus is not here (PIMS_GOLDEN names another place)"

python=${PIMS_TEST_PYTHON:-}
if [ -z "$python" ]; then
	python=.venv/bin/python
	[ -x "$python" ] || python=python3
fi
"$python" -c 'import numpy, PIL' 2>/dev/null ||
	skip "$python has no numpy and Pillow (scripts/setup.sh test makes .venv with them)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/pims" ./cmd/pims
"$python" scripts/golden.py --pims "$work/pims" --corpus "$corpus" --work "$work" "$@"
