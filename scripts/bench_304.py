#!/usr/bin/env python3
"""Measures a 304 beside a whole tile of Go's net/http, with the load generator
of ../shared/peers: processor time of the server a request, one core each,
rounds that take turns. Used by bench-peers.sh.

usage: bench_304.py WORK URL-TEMPLATE SECONDS ROUNDS -- COMMAND...
WORK is the harness' folder; COMMAND starts this server in the foreground.
"""
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
STATIC = "127.0.0.1:18805"


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / TICKS


def start(command):
    env = {**os.environ, "GOMAXPROCS": "1"}
    return subprocess.Popen(["taskset", "-c", "0", *command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def until_it_answers(url):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")


def load(work, pid, url, header, status, seconds):
    """Processor time of the server a request in µs, and requests."""
    before = cpu(pid)
    out = subprocess.run(["taskset", "-c", "1", f"{work}/bin/loadgen", "-url", url, "-mode", "hot", "-c", "8", "-d", f"{seconds}s",
                          "-check", "0", "-header", header], capture_output=True, text=True).stdout
    answers = json.loads(out)["status"]
    if list(answers) != [str(status)]:
        raise SystemExit(f"{url}: expected answers of status {status}, got {answers}")
    return (cpu(pid) - before) * 1e6 / answers[str(status)]


def main():
    work, url, seconds, rounds = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    static = f"http://{STATIC}/{{z}}/{{x}}/{{y}}.jpg"
    servers = [start([f"{work}/bin/static", STATIC, f"{work}/data/one.jpg"]), start(sys.argv[6:])]
    try:
        rows = []
        for u in (static, url):
            until_it_answers(u.format(z=7, x=0, y=0))
        for _ in range(rounds):
            rows.append((load(work, servers[0].pid, static, "", 200, seconds), load(work, servers[1].pid, url, "If-None-Match: *", 304, seconds)))
        print("\n### a 304 beside a tile of Go's net/http, hot c8")
        print("\n| | µs of the server a request |\n|---|---|")
        print(f"| static bytes | {statistics.median(r[0] for r in rows):.1f} |\n| this server, 304 | {statistics.median(r[1] for r in rows):.1f} |")
        print(f"\nratio in one round, median: {statistics.median(r[0] / r[1] for r in rows):.2f}", "of", ", ".join(f"{r[0] / r[1]:.2f}" for r in rows))
    finally:
        for s in servers:
            s.terminate()
        for s in servers:
            s.wait()


main()
