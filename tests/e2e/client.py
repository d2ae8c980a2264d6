# SPDX-License-Identifier: MIT
"""client - what several files of tests need to speak to the gateway's API, beyond lib.Stack."""

import http.client
import json
import threading
import time

JSON = {"Content-Type": "application/json"}


def job(rid, verb, **obj):
    return {"rid": rid, "platform": "dummy", "verb": verb, "actor": {"address": "ann"}, "object": obj}


def is_result(message, rid):
    return message.get("rid") == rid and message.get("verb") != "confirm"


class Background:
    """fn(*args) in a thread; result() waits for it and gives its value and how long it took."""

    def __init__(self, fn, *args, **kw):
        def run():
            began = time.monotonic()
            try:
                self.value = fn(*args, **kw)
            except BaseException as e:  # handed over to result()
                self.error = e
            self.seconds = time.monotonic() - began
        self.value = self.error = None
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def running(self):
        return self.thread.is_alive()

    def result(self, timeout=30):
        self.thread.join(timeout)
        if self.thread.is_alive():
            raise AssertionError("still waiting after %g s" % timeout)
        if self.error is not None:
            raise self.error
        return self.value


class Problems:
    """For test cases: the check of a problem document."""

    def problem(self, reply, status, code, detail=None):
        self.assertEqual(status, reply.status, reply)
        self.assertEqual("application/problem+json", reply.headers["content-type"])
        self.assertEqual("no-store", reply.headers["cache-control"])
        document = json.loads(reply.body)
        self.assertEqual(["type", "title", "status", "code", "detail"], list(document))
        self.assertEqual(("about:blank", status, code), (document["type"], document["status"], document["code"]))
        self.assertEqual(http.client.responses.get(status, "").replace("Request Entity Too Large", "Content Too Large"),
                         document["title"])
        if detail is not None:
            self.assertEqual(detail, document["detail"])
        return document
