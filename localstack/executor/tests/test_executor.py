"""The executor with a real process: a bootstrap of a few lines that does what its event says."""

import base64
import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

from pims_localstack.executor import ProcessExecutor

BOOTSTRAP = f"#!{sys.executable}\n" + r'''
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
base = "/2018-06-01/runtime/"
def post(path, body, headers={}, chunked=False):
    api.request("POST", base + path, body, headers, encode_chunked=chunked)
    api.getresponse().read()
if os.environ.get("FAIL_INIT"):
    post("init/error", json.dumps({"errorType": "Init", "errorMessage": "told to fail"}))
    sys.exit(1)
while True:
    api.request("GET", base + "invocation/next")
    reply = api.getresponse()
    event, id = json.loads(reply.read()), reply.headers["Lambda-Runtime-Aws-Request-Id"]
    print("event", event["do"], flush=True)
    at = f"invocation/{id}/"
    match event["do"]:
        case "environ": post(at + "response", json.dumps(dict(os.environ) | {"pid": os.getpid()}))
        case "fail": post(at + "error", json.dumps({"errorType": "Wanted", "errorMessage": "told to fail"}))
        case "exit": sys.exit(3)
        case "sleep": time.sleep(60)
        case "large": post(at + "response", b"x" * (7 << 20))
        case "stream":
            parts = [json.dumps({"statusCode": 206, "headers": {"X-A": "b"}, "cookies": ["c=1", "d=2"]}).encode(), bytes(8), b"\xff\xd8" + bytes(20)]
            post(at + "response", iter(parts), {"Content-Type": "application/vnd.awslambda.http-integration-response", "Transfer-Encoding": "chunked"}, True)
'''


class ExecutorTest(unittest.TestCase):
    def start(self, timeout=30, **environ):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        (Path(folder.name) / "bootstrap").write_text(BOOTSTRAP)
        code = SimpleNamespace(get_unzipped_code_location=lambda: folder.name)
        executor = ProcessExecutor("id", SimpleNamespace(
            id=SimpleNamespace(function_name="f", qualifier="$LATEST"),
            config=SimpleNamespace(code=code, timeout=timeout, memory_size=128)))
        executor.start({"NUMBER": 7} | environ)
        self.addCleanup(executor.stop)
        return executor

    number = 0

    def invoke(self, executor, do):
        self.number += 1
        result = executor.invoke({"invoke-id": f"r-{self.number}", "invoked-function-arn": "arn", "trace-id": "t",
                                  "payload": json.dumps({"do": do})})
        self.assertEqual(result.request_id, f"r-{self.number}")
        return result, json.loads(result.payload)

    def test_a_reply_with_its_log_and_nothing_of_our_environment(self):
        os.environ["AWS_PROFILE"] = "of-the-user"
        self.addCleanup(os.environ.pop, "AWS_PROFILE")
        result, seen = self.invoke(self.start(), "environ")
        self.assertFalse(result.is_error)
        self.assertEqual(seen["NUMBER"], "7")
        self.assertNotIn("AWS_PROFILE", seen)
        self.assertIn("event environ\n", result.logs)

    def test_the_same_process_answers_again_and_another_one_after_it_ended(self):
        executor = self.start()
        pid = self.invoke(executor, "environ")[1]["pid"]
        result, failure = self.invoke(executor, "fail")
        self.assertTrue(result.is_error)
        self.assertEqual(failure["errorType"], "Wanted")
        self.assertEqual(self.invoke(executor, "environ")[1]["pid"], pid)
        result, failure = self.invoke(executor, "exit")
        self.assertTrue(result.is_error)
        self.assertEqual(failure["errorType"], "Runtime.ExitError")
        self.assertNotEqual(self.invoke(executor, "environ")[1]["pid"], pid)

    def test_a_process_killed_between_invocations_is_replaced(self):
        executor = self.start()
        pid = self.invoke(executor, "environ")[1]["pid"]
        os.kill(pid, signal.SIGKILL)
        executor._process.wait()
        result, seen = self.invoke(executor, "environ")
        self.assertFalse(result.is_error)
        self.assertNotEqual(seen["pid"], pid)

    def test_time_out_ends_the_process(self):
        executor = self.start(timeout=1)
        process = executor._process
        result, failure = self.invoke(executor, "sleep")
        self.assertTrue(result.is_error)
        self.assertEqual(failure["errorType"], "Sandbox.Timedout")
        self.assertIsNotNone(process.poll())

    def test_too_large_a_reply_is_an_error(self):
        result, failure = self.invoke(self.start(), "large")
        self.assertTrue(result.is_error)
        self.assertEqual(failure["errorType"], "Function.ResponseSizeTooLarge")

    def test_a_stream_becomes_base64_with_every_cookie(self):
        result, reply = self.invoke(self.start(), "stream")
        self.assertFalse(result.is_error)
        self.assertEqual(reply["statusCode"], 206)
        self.assertEqual(reply["headers"], {"X-A": "b", "Set-Cookie": ["c=1", "d=2"]})
        self.assertEqual(base64.b64decode(reply["body"]), b"\xff\xd8" + bytes(20))

    def test_a_failed_start_tells_why(self):
        result, failure = self.invoke(self.start(FAIL_INIT=1), "environ")
        self.assertTrue(result.is_error)
        self.assertEqual(failure["errorMessage"], "told to fail")

    def test_stop_leaves_no_process_and_no_folder(self):
        executor = self.start()
        self.invoke(executor, "environ")
        process, folder = executor._process, executor._folder
        executor.stop()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertIsNotNone(process.poll())
        self.assertFalse(os.path.exists(folder))


if __name__ == "__main__":
    unittest.main()
