"""LocalStack's Lambda executor that runs ``provided.*`` functions as processes of this machine.

LocalStack makes one executor for an execution environment and calls start,
invoke (one at a time) and stop. The executor serves the Runtime API on a
loopback port and starts the zip's ``bootstrap``, as the platform does.

There is no sandbox: a function runs as LocalStack's user, with its file system
and as much memory as it takes. Run functions that you built yourself only.
"""

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from concurrent.futures import TimeoutError as NotInTime

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from pims_localstack.runtime_api import RuntimeAPI, error

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
# Lines of a function's log that are kept, of one invocation and of the environment.
MAX_LINES = 10_000
MAX_LAST_LINES = 1_000


class ProcessExecutor(RuntimeExecutor):
    """One execution environment: a process, which is replaced when it died."""

    def __init__(self, id, function_version):
        super().__init__(id, function_version)
        self._api = self._process = self._watcher = self._folder = None
        self._stopping = False
        self._lines, self._last_lines = deque(maxlen=MAX_LINES), deque(maxlen=MAX_LAST_LINES)

    # Life of the environment

    @classmethod
    def validate_environment(cls):
        return True

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()  # unpacks the zip

    @classmethod
    def cleanup_version(cls, function_version):
        """Nothing: LocalStack removes what it unpacked."""

    def start(self, env_vars):
        code = str(self.function_version.config.code.get_unzipped_code_location())
        self._bootstrap = os.path.join(code, "bootstrap")
        if not os.path.isfile(self._bootstrap):
            raise RuntimeError(f"{self.function_version.id.function_name}: the zip has no file 'bootstrap' at its root")
        os.chmod(self._bootstrap, 0o755)
        self._folder = tempfile.mkdtemp(prefix="lambda-")
        self._api = RuntimeAPI()
        # Nothing of LocalStack's own environment but PATH: it has settings that mean something to an AWS SDK.
        self._environ = {name: str(text) for name, text in env_vars.items()} | {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": self._folder, "TMPDIR": self._folder,
            "LAMBDA_TASK_ROOT": code, "AWS_LAMBDA_RUNTIME_API": self._api.address,
        }
        self._spawn()

    def stop(self):
        self._stopping = True
        self._kill()
        if self._api:
            self._api.end(error("Sandbox.Stopped", "the execution environment was stopped"))
            self._api.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self):
        self._api.new_process()
        self._process = subprocess.Popen(
            [self._bootstrap], cwd=self._environ["LAMBDA_TASK_ROOT"], env=self._environ, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), name="lambda-process", daemon=True)
        self._watcher.start()

    def _watch(self, process):
        """Keeps the process's log until it ends, and then ends the invocation it has left open."""
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace")
            self._lines.append(line)
            self._last_lines.append(line)
        process.wait()
        if not self._stopping and process is self._process:
            self._tell_exit(process)

    def _tell_exit(self, process):
        status = process.returncode
        how = f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}"
        self._api.end(self._api.init_error or error("Runtime.ExitError", f"Runtime exited with error: {how}"))

    def _kill(self):
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # with what it may have started
        except ProcessLookupError:
            pass
        self._watcher.join(5)

    # Invocations

    def invoke(self, payload):
        started, timeout = time.time(), int(self.function_version.config.timeout or 3)
        if self._process.poll() is not None:
            self._watcher.join(5)  # or its end would be taken for that of the new process's invocation
            self._spawn()
        self._lines.clear()
        request_id = payload["invoke-id"]
        process = self._process
        pending = self._api.offer(payload | {"deadline-ms": int((started + timeout) * 1000)})
        if process.poll() is not None:  # since we looked; its watcher may have seen no open invocation
            self._tell_exit(process)
        try:
            outcome = pending.result(timeout)
        except NotInTime:
            self._api.end(error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"))
            outcome = pending.result()  # which may be a reply of this very moment
            self._kill()
        return InvocationResult(request_id, outcome.payload, outcome.is_error, self._report(request_id, started))

    def _report(self, request_id, started):
        ms, function = (time.time() - started) * 1000, self.function_version
        return "".join([
            f"START RequestId: {request_id} Version: {function.id.qualifier}\n", *list(self._lines),
            f"END RequestId: {request_id}\n",
            f"REPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\tBilled Duration: {ms:.0f} ms\t"
            f"Memory Size: {function.config.memory_size} MB\n"])

    # What LocalStack wants to know

    def get_logs(self):
        return "".join(list(self._last_lines))

    def get_address(self):
        return LOOPBACK

    def get_endpoint_from_executor(self):
        return LOOPBACK

    def get_runtime_endpoint(self):
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"  # of Docker's init only
