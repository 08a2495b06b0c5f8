#!/usr/bin/env bash
# Tests the executor, and the program on a LocalStack of its own on a free port,
# in host mode. Skipped by name where Python 3.13 or its packages are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
localstack/install.sh || status=$?
if [ "$status" -eq 3 ]; then
	echo "SKIP: test-localstack (see above)"
	exit 0
fi
[ "$status" -eq 0 ] || exit "$status"

.venv-localstack/bin/python -W ignore -m unittest discover -s localstack/executor/tests

LOCALSTACK_DIR=$(mktemp -d)
export LOCALSTACK_DIR LOCALSTACK_PORT=0
# A killed import's claim is free again after this time, and its message comes back
# after that; the defaults are one and two minutes.
export PIMS_FUNCTION_IMPORT_LEASE=10s PIMS_FUNCTION_QUEUE_VISIBILITY=15s
finish() {
	local status=$?
	[ "$status" -eq 0 ] || tail -n 200 "$LOCALSTACK_DIR/log" | grep -v ' INFO --- ' || true
	.venv-localstack/bin/python localstack/host.py down
	rm -rf "$LOCALSTACK_DIR"
	exit "$status"
}
trap finish EXIT
.venv-localstack/bin/python localstack/host.py up
localstack/smoke.sh
