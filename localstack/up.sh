#!/usr/bin/env bash
# Starts LocalStack with everything provisioned: in Docker where it runs, else
# on this machine with Python 3.13. LOCALSTACK_MODE=docker or host decides.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${LOCALSTACK_MODE:-}
if [ -z "$mode" ]; then
	if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then mode=docker; else mode=host; fi
fi
case "$mode" in
docker) docker compose -f localstack/docker-compose.yml up --detach --wait ;;
host) localstack/install.sh && .venv-localstack/bin/python localstack/host.py up ;;
*) echo "LOCALSTACK_MODE is '$mode': expected docker or host" >&2; exit 2 ;;
esac
