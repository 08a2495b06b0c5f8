"""The Lambda Runtime API (version 2018-06-01) of one execution environment.

It listens on a loopback port of its own. One invocation is under way at a time,
as the platform has it; a process that replaces a dead one takes over the port.
"""

import base64
import json
import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

RUNTIME = "/2018-06-01/runtime"
STREAM = "application/vnd.awslambda.http-integration-response"
# The platform's bounds on a reply: in whole, and streamed.
MAX_REPLY = 6 << 20
MAX_STREAM = 200 << 20
# Between the head and the body of a streamed reply.
HEAD_END = b"\0" * 8


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: the reply's bytes, or the JSON of the error."""

    payload: bytes
    is_error: bool = False


def error(kind, message):
    """The outcome of an invocation that failed, as the platform words it."""
    return Outcome(json.dumps({"errorType": kind, "errorMessage": message}).encode(), True)


def whole_reply(stream):
    """Turns a streamed HTTP reply into one in whole, with its body in base64.

    LocalStack's function URLs read a streamed body as UTF-8, which destroys
    pictures, and know no ``cookies``; of a header they take a list of values.
    """
    head, end, body = stream.partition(HEAD_END)
    if not end:
        return error("Runtime.InvalidResponse", "the streamed reply has no head")
    reply = json.loads(head or b"{}")
    if cookies := reply.pop("cookies", None):
        reply.setdefault("headers", {})["Set-Cookie"] = cookies
    reply.update(body=base64.b64encode(body).decode(), isBase64Encoded=True)
    return Outcome(json.dumps(reply).encode())


class RuntimeAPI:
    """Hands invocations to a function's process and takes its replies. Safe for concurrent use."""

    def __init__(self):
        self._lock = threading.Lock()
        self._offers = SimpleQueue()  # of the present process; None ends its wait
        self._request_id, self._outcome = None, None
        self.init_error = None  # the Outcome that the process reported while it started
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, name="lambda-runtime-api", daemon=True)
        self._thread.start()

    @property
    def address(self):
        """host:port, for AWS_LAMBDA_RUNTIME_API."""
        return "127.0.0.1:%d" % self._server.server_port

    def new_process(self):
        """Forgets the process before: what waits for an invocation on its behalf gets none."""
        with self._lock:
            self._offers.put(None)
            self._offers = SimpleQueue()
            self.init_error = None

    def offer(self, invocation):
        """Gives the process an invocation; the Future is done when that has ended."""
        with self._lock:
            self._request_id, self._outcome = invocation["invoke-id"], Future()
            self._offers.put(invocation)
            return self._outcome

    def end(self, outcome, request_id=None):
        """Ends the present invocation, if it is still open (and has this id, if one is given)."""
        with self._lock:
            is_open = self._outcome is not None and not self._outcome.done()
            if not is_open or request_id not in (None, self._request_id):
                return False  # too late: it timed out, or its process was replaced
            self._outcome.set_result(outcome)
            return True

    def take(self):
        """Waits for the next invocation; None when there will be none for this process."""
        with self._lock:
            offers = self._offers
        return offers.get()

    def close(self):
        """Stops listening."""
        self.new_process()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A connection that broke is a process that ended, which its watcher tells; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        """One line a request says nothing that the function's log does not."""

    def do_GET(self):
        if self.path != RUNTIME + "/invocation/next":
            return self._reply(404)
        invocation = self.server.api.take()
        if invocation is None:
            self.close_connection = True
            return
        self._reply(200, invocation["payload"].encode(), {
            "Lambda-Runtime-Aws-Request-Id": invocation["invoke-id"],
            "Lambda-Runtime-Invoked-Function-Arn": invocation["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": invocation["trace-id"],
            "Lambda-Runtime-Deadline-Ms": str(invocation["deadline-ms"]),
        })

    def do_POST(self):
        is_stream = self.headers.get("Content-Type", "").startswith(STREAM)
        body, trailers = self._body(MAX_STREAM if is_stream else MAX_REPLY)
        api = self.server.api
        match self.path.removeprefix(RUNTIME).split("/"):
            case ["", "init", "error"]:
                api.init_error = Outcome(body or b"{}", True)
            case ["", "invocation", request_id, "response"]:
                if body is None:
                    api.end(error("Function.ResponseSizeTooLarge", f"Response payload size exceeded maximum allowed "
                                  f"payload size ({MAX_REPLY} bytes)."), request_id)
                    return self._reply(413)
                if broken := trailers.get("lambda-runtime-function-error-body"):
                    api.end(Outcome(base64.b64decode(broken), True), request_id)
                else:
                    api.end(whole_reply(body) if is_stream else Outcome(body), request_id)
            case ["", "invocation", request_id, "error"]:
                api.end(Outcome(body or b"{}", True), request_id)
            case _:
                return self._reply(404)
        self._reply(202)

    def _reply(self, status, body=b'{"status":"OK"}', headers=None):
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self, limit):
        """Reads the request to its end: its body (None when it is over the limit) and trailers by lower-case name."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            length = int(self.headers.get("Content-Length") or 0)
            if length > limit:
                self._skip(length)
                return None, {}
            return self.rfile.read(length), {}
        kept, total = bytearray(), 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            total += size
            if total > limit:
                self._skip(size)
            else:
                kept += self.rfile.read(size)
            self.rfile.readline()
        trailers = {}
        while line := self.rfile.readline().strip():
            name, _, text = line.decode("latin-1").partition(":")
            trailers[name.strip().lower()] = text.strip()
        return (bytes(kept) if total <= limit else None), trailers

    def _skip(self, size):
        while size > 0:
            got = len(self.rfile.read(min(size, 1 << 20)))
            if got == 0:
                return
            size -= got
