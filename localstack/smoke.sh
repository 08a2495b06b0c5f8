#!/usr/bin/env bash
# Runs the tests on the LocalStack that up.sh started, or that LOCALSTACK_ENDPOINT
# names. Arguments go to go test: -run Smoke, for example.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${LOCALSTACK_ENDPOINT:=$(cat "${LOCALSTACK_DIR:-.localstack}/endpoint" 2>/dev/null || echo http://127.0.0.1:4566)}"
export LOCALSTACK_ENDPOINT
cd test && exec go test -count=1 -timeout 15m -v ./localstack "$@"
