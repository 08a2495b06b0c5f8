"""Runs LocalStack on this machine without Docker: host.py up | down.

Called by up.sh and down.sh with the Python of .venv-localstack. What it does is
told by these variables:

    LOCALSTACK_PORT  4566; 0 takes a free one
    LOCALSTACK_DIR   .localstack: its data, log, process id and address
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("LOCALSTACK_DIR") or ROOT / ".localstack").resolve()
PID, LOG, ENDPOINT = FOLDER / "pid", FOLDER / "log", FOLDER / "endpoint"
STATE = FOLDER / "state"  # all of LocalStack's files, removed when it stops
TEMPORARY = STATE / "temporary"  # with the unpacked functions
MODULE = "pims_localstack.launch"
START_SECONDS, STOP_SECONDS = 180, 60
SERVICES = "s3,sqs,lambda,apigateway,logs,cloudwatch,iam,sts"


def environment(port):
    """LocalStack's environment: nothing of the user's that means something to an AWS SDK, and no network but loopback."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return inherited | {
        # Without credentials it would ask the metadata service of a cloud machine.
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "OVERRIDE_IN_DOCKER": "0", "FILESYSTEM_ROOT": str(STATE), "TMPDIR": str(TEMPORARY),
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "LOCALSTACK_HOST": f"127.0.0.1:{port}", "SQS_ENDPOINT_STRATEGY": "path",
        "SKIP_SSL_CERT_DOWNLOAD": "1", "DISABLE_EVENTS": "1", "DNS_ADDRESS": "0",
        "SERVICES": SERVICES, "STRICT_SERVICE_LOADING": "1",
        "LAMBDA_RUNTIME_EXECUTOR": "local",
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "PIMS_SETTINGS": str(ROOT / "infra" / "settings.json"), "PIMS_FUNCTIONS": str(ROOT / "dist" / "functions"),
    }


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def running():
    """The process id of the LocalStack that was started from this folder and lives; None when there is none."""
    try:
        pid = int(PID.read_text())
    except (FileNotFoundError, ValueError):
        return None
    command = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True).stdout
    return pid if MODULE in command else None


def provisioned(endpoint):
    """Whether the ready hooks have run; exits when one has failed."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_localstack/init/ready", timeout=5) as reply:
            state = json.load(reply)
    except OSError:
        return False
    failed = [s["name"] for s in state["scripts"] if s["state"] == "ERROR"]
    if failed:
        give_up(f"{', '.join(failed)} failed")
    return state["completed"]


def give_up(why):
    tail = LOG.read_text(errors="replace")[-4000:] if LOG.exists() else ""
    down()
    sys.exit(f"{tail}\nlocalstack: {why}; the end of {LOG} is above")


def up():
    if running():
        print(f"localstack: provisioning {ENDPOINT.read_text()} again")
        port = ENDPOINT.read_text().rpartition(":")[2]
        subprocess.run([sys.executable, ROOT / "localstack" / "ready.d" / "provision.py"], env=environment(port), check=True)
        return
    port = int(os.environ.get("LOCALSTACK_PORT") or 4566) or free_port()
    endpoint = f"http://127.0.0.1:{port}"
    shutil.rmtree(STATE, ignore_errors=True)  # of one that was killed
    hooks = STATE / "etc" / "localstack" / "init"
    hooks.mkdir(parents=True)
    (hooks / "ready.d").symlink_to(ROOT / "localstack" / "ready.d")
    TEMPORARY.mkdir()
    with LOG.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", MODULE], env=environment(port), cwd=FOLDER,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    PID.write_text(str(process.pid))
    ENDPOINT.write_text(endpoint)
    deadline = time.monotonic() + START_SECONDS
    while not provisioned(endpoint):
        if process.poll() is not None:
            give_up(f"it ended with status {process.returncode}")
        if time.monotonic() > deadline:
            give_up(f"it was not ready after {START_SECONDS} seconds")
        time.sleep(0.2)
    print(f"localstack: {endpoint}, log {LOG}")
    sys.stdout.writelines(line for line in LOG.read_text(errors="replace").splitlines(True) if ".lambda-url." in line or ".execute-api." in line)


def down():
    """Ends LocalStack and with it the functions: they end when their Runtime API is gone."""
    pid = running()
    if pid is None:
        print("localstack: not running")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running() and time.monotonic() < deadline:
        time.sleep(0.1)
    if running():
        os.killpg(pid, signal.SIGKILL)
    PID.unlink()
    ENDPOINT.unlink(missing_ok=True)
    shutil.rmtree(STATE, ignore_errors=True)
    print("localstack: stopped")


if __name__ == "__main__":
    if sys.argv[1:] not in (["up"], ["down"]):
        sys.exit("usage: host.py up|down")
    {"up": up, "down": down}[sys.argv[1]]()
