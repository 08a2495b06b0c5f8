#!/usr/bin/env bash
# Measures this server next to other tile servers with the harness of
# ../shared/peers, started by the harness: warm from a local folder, fresh
# processes, and cold tiles from S3 behind 30 ms. Skips by name without the
# harness. The harness' own setup.sh makes peers and slide (once, 15 minutes).
#
#   scripts/bench-peers.sh [options of bench.py, such as --rounds 5]
#   PEERS="iipsrv-1.3git go-pmtiles go-static"   whom to measure beside
set -euo pipefail
cd "$(dirname "$0")/.."
kit=${PEERS_KIT:-../shared/peers}
export PEERS_WORK=${PEERS_WORK:-/tmp/peers}
peers=${PEERS:-go-static go-pmtiles iipsrv-1.3git}
if [ ! -x "$kit/run.sh" ] && [ ! -f "$kit/run.sh" ]; then
  echo "bench-peers: skipped, the harness ../shared/peers is not here"
  exit 0
fi
[ -f "$PEERS_WORK/data/slide.tif" ] || bash "$kit/setup.sh"

root=$PWD
own=$PEERS_WORK/pims
mkdir -p "$own"
settings=(LOG_LEVEL=error CACHE_MEMORY="${CACHE_MEMORY:-256MiB}" QUEUE_URL="local:$own/queue" UPLOADS_URL="file://$own/uploads" GOMAXPROCS=1)
keys=(AWS_ACCESS_KEY_ID=peers AWS_SECRET_ACCESS_KEY=peers-secret AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true S3_PATH_STYLE=true)

path_of() { sed -n 's/.*"path":"\([^"]*\)".*/\1/p'; }

echo "importing the slide into a folder"
folder=(STORE_URL="file://$own/slides")
path=$(cd "$own" && env "${settings[@]}" "${folder[@]}" "$root/bin/pims" import --json "$PEERS_WORK/data/slide.tif" | path_of)

echo "importing the slide into a bucket"
mkdir -p "$PEERS_WORK/s3root/slides"
"$PEERS_WORK/bin/versitygw" -p 127.0.0.1:17070 -a peers -s peers-secret --keep-alive -q posix "$PEERS_WORK/s3root" >/dev/null 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null || true' EXIT
until (exec 3<>/dev/tcp/127.0.0.1/17070) 2>/dev/null; do sleep 0.1; done
bucket=(STORE_URL=s3://slides/pims "${keys[@]}")
s3path=$(cd "$own" && env "${settings[@]}" "${bucket[@]}" AWS_ENDPOINT_URL_S3=http://127.0.0.1:17070 "$root/bin/pims" import --json "$PEERS_WORK/data/slide.tif" | path_of)
kill $gateway && wait $gateway 2>/dev/null || true
trap - EXIT

only=$(echo "pims $peers" | tr ' ' ',')
url() { echo "http://127.0.0.1:$1/image/$2/normalized-tile/zoom/{z}/tx/{x}/ty/{y}.jpg"; }
run() { # phase port path environment...
  local phase=$1 port=$2 path=$3
  shift 3
  # The harness runs the command in its own folder and stops it itself.
  python3 "$kit/bench.py" "$phase" --only "$only" --target pims="$(url "$port" "$path")" \
    --target-cmd pims="env ${settings[*]} $* HOST=127.0.0.1 PORT=$port $root/bin/pims serve" "${options[@]}"
}
options=("$@")
if ls "$PEERS_WORK"/results/*.jsonl >/dev/null 2>&1; then
  old=$PEERS_WORK/results/$(date +%Y%m%dT%H%M%S) && mkdir "$old" && mv "$PEERS_WORK"/results/*.jsonl "$old"/
fi
run local 18801 "$path" "${folder[@]}"
python3 scripts/bench_304.py "$PEERS_WORK" "$(url 18804 "$path")" 1 9 -- \
  env -C "$own" "${settings[@]}" "${folder[@]}" HOST=127.0.0.1 PORT=18804 "$root/bin/pims" serve | tee "$own/304.md"
run cold 18802 "$path" "${folder[@]}"
run s3 18803 "$s3path" "${bucket[@]}" AWS_ENDPOINT_URL_S3=http://127.0.0.1:17071
python3 "$kit/bench.py" report
cat "$own/304.md"
