#!/usr/bin/env bash
# Stops what up.sh started. What was in LocalStack is gone: it keeps nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -x .venv-localstack/bin/python ] && [ -e "${LOCALSTACK_DIR:-.localstack}/pid" ]; then
	.venv-localstack/bin/python localstack/host.py down
else
	docker compose -f localstack/docker-compose.yml down
fi
