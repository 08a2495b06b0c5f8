#!/usr/bin/env bash
# Makes .venv-localstack: LocalStack 4.14 with the pins of constraints.txt, and
# the executor that runs functions without Docker. Quick when it is there.
# Exits 3 when this machine has no Python 3.13 or the packages can not be had.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-localstack
stamp=$venv/installed
# The executor is installed in place, so of it only its project file matters.
wanted=$(cat localstack/constraints.txt localstack/executor/pyproject.toml | cksum)

python_313() {
	local candidate
	for candidate in "${PYTHON313:-}" python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python python3; do
		if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
			command -v "$candidate"
			return
		fi
	done
	echo "localstack: LocalStack 4.14 needs Python 3.13, which is not on this machine; install it, or name it with PYTHON313" >&2
	return 3
}

[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0
python=$(python_313) || exit 3
echo "localstack: making $venv (500 MB, some minutes)" >&2
"$python" -m venv --clear "$venv"
pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check install)
if ! "${pip[@]}" 'localstack-core[runtime]==4.14.0' -c localstack/constraints.txt || ! "${pip[@]}" --no-deps -e localstack/executor; then
	echo "localstack: its packages could not be installed" >&2
	exit 3
fi
echo "$wanted" >"$stamp"
