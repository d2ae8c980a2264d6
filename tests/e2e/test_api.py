# SPDX-License-Identifier: MIT
"""What a client can rely on over HTTP (docs/protocol.md): sessions, waiting, cursors, streams, problem documents, CORS,
health, and HTTP itself."""

import http.client
import json
import socket
import time

import client
import lib
from client import JSON, Background, is_result, job

FUTURE = "9999999999999-0"


class Api(client.Problems, lib.StackTest):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.s = lib.Stack(platforms=["dummy"])

    @classmethod
    def tearDownClass(cls):
        cls.s.close()

    # --- sessions -----------------------------------------------------------------------------------------------------

    def test_session_in_headers(self):
        posted = self.s.post({"rid": 1})
        self.assertRegex(posted.sid, r"\A[A-Za-z0-9_-]{22}\Z")
        self.assertEqual("/sockethub/" + posted.sid, posted.headers["location"])
        again = self.s.post({"rid": 1}, sid=posted.sid)
        self.assertNotIn("location", again.headers)
        self.assertNotIn("sockethub-session", again.headers)
        self.assertEqual(200, self.s.http("POST", "/sockethub/", b"[]", JSON).status)

    def test_session_ids_differ(self):
        self.assertEqual(20, len({self.s.post({"rid": 1}).sid for _ in range(20)}))

    def test_bearer(self):
        sid = self.s.register()
        bearer = {"Authorization": "Bearer " + sid}
        for path in ("", "/"):
            posted = json.loads(self.s.http("POST", self.s.base + path + "?wait=9", json.dumps(job(5, "echo", a=1)),
                                            {**JSON, **bearer}).body)
            self.assertEqual({"a": 1}, posted[-1]["object"])
            polled = self.s.http("GET", self.s.base + path + "?wait=0", headers=bearer)
            self.assertEqual([], json.loads(polled.body)["messages"])
        stream = lib.Stream(self.s.port, "/sockethub/stream", bearer, 9)
        self.s.post(job(6, "echo"), sid=sid)
        self.assertTrue(is_result(stream.next_event().data, 6))
        stream.close()
        self.assertEqual(204, self.s.http("DELETE", self.s.base, headers={"Authorization": "bearer " + sid}).status)
        self.problem(self.s.http("GET", self.s.base, headers=bearer), 404, "no-session")

    def test_bearer_that_is_none(self):
        """A client that sends a damaged key must not find itself in a new session."""
        for key in ("", "x", "x" * 22, "x" * 23, "!" * 22):
            for method in ("POST", "GET", "DELETE"):
                reply = self.s.http(method, self.s.base, b"[]" if method == "POST" else None,
                                    {**JSON, "Authorization": "Bearer " + key})
                self.problem(reply, 404, "no-session")
        # Another scheme is the web server's affair.
        reply = self.s.http("POST", self.s.base, b"[]", {**JSON, "Authorization": "Basic dTpw"})
        self.assertEqual(200, reply.status)

    def test_unknown_session(self):
        for sid in ("x" * 22, "A" * 22, "x", "x" * 23, "schemas", "a.b", "%00", "..", "x" * 22 + "%2fstream"):
            for method in ("GET", "POST", "DELETE"):
                reply = self.s.http(method, self.s.base + "/" + sid, b"[]" if method == "POST" else None, JSON)
                self.problem(reply, 404, "no-session", "unknown or expired session")
        self.problem(self.s.http("GET", self.s.base + "/" + "x" * 22 + "/stream"), 404, "no-session")
        self.problem(self.s.http("GET", self.s.base + "/" + "x" * 22 + "/other"), 404, "not-found")
        self.problem(self.s.http("GET", self.s.base + "/" + "x" * 22 + "/stream/more"), 404, "not-found")
        for path in ("/other", "/sockethubx", "/SOCKETHUB", "//sockethub"):
            self.problem(self.s.http("POST", path, b"[]", JSON), 404, "not-found")

    def test_delete(self):
        sid = self.s.register()
        reply = self.s.http("DELETE", self.s.base + "/" + sid)
        self.assertEqual((204, b""), (reply.status, reply.body))
        for method in ("DELETE", "GET", "POST"):
            self.problem(self.s.http(method, self.s.base + "/" + sid, b"[]" if method == "POST" else None, JSON), 404,
                         "no-session")

    def test_delete_ends_what_waits(self):
        sid = self.s.register()
        poll = Background(self.s.http, "GET", "%s/%s?wait=30" % (self.s.base, sid))
        waits = Background(self.s.post, job(1, "delay", ms=20000), sid=sid, wait=30)
        events = self.s.sse(sid)
        lines = self.s.sse(sid, ndjson=True)
        lib.until("the job runs", lambda: self.s.redis("XLEN", self.queue()) == 1)
        self.assertEqual(204, self.s.http("DELETE", self.s.base + "/" + sid).status)
        self.problem(poll.result(), 404, "no-session")
        self.assertEqual([True], [r["status"] for r in waits.result().replies])  # the confirmation
        for stream in (events, lines):
            self.assertIsNone(stream.next_event(timeout=10))
            stream.close()

    def queue(self):
        return next(k for k in self.s.redis("KEYS", "*dummy*") if self.s.redis("TYPE", k) == b"stream")

    # --- waiting for results ----------------------------------------------------------------------------------------------

    def test_wait_gives_the_result_once(self):
        sid = self.s.register()
        posted = self.s.post([job(1, "echo", a=1), job(2, "fail"), job(3, "nonsense"), job(4, "delay", ms=100)], sid=sid,
                             wait=20)
        self.assertEqual([(1, "confirm"), (2, "confirm"), (3, "confirm"), (4, "confirm")],
                         [(r["rid"], r["verb"]) for r in posted.replies[:4]])
        self.assertEqual({1: True, 2: False, 4: True}, {r["rid"]: r["status"] for r in posted.replies[4:]})
        self.assertEqual(7, len(posted.replies))
        self.assertEqual([], self.s.poll(sid, wait=0)[1])

    def test_wait_in_a_new_session(self):
        posted = self.s.post([{"rid": 0, "platform": "dispatcher", "verb": "register",
                               "object": {"secret": lib.SECRET}}, job(1, "echo")], wait=20)
        self.assertEqual([0, 0, 1, 1], [r["rid"] for r in posted.replies])
        self.assertEqual("/sockethub/" + posted.sid, posted.headers["location"])

    def test_wait_leaves_messages_in_the_outbox(self):
        sid = self.s.register()
        posted = self.s.post(job(1, "burst", n=5), sid=sid, wait=20)
        self.assertEqual(["confirm", "burst"], [r["verb"] for r in posted.replies])
        self.assertEqual(list(range(5)), [m["object"]["i"] for m in self.s.poll(sid, wait=0)[1]])

    def test_wait_ends_at_its_time(self):
        sid = self.s.register()
        posting = Background(self.s.post, [job(1, "delay", ms=5000), job(2, "echo")], sid=sid, wait=1)
        self.assertEqual([1, 2, 2], [r["rid"] for r in posting.result().replies])
        self.assertGreater(posting.seconds, 0.9)
        self.assertLess(posting.seconds, 4.5)
        messages = self.s.poll(sid, wait=20)[1]
        self.assertEqual([1], [m["rid"] for m in messages])

    def test_wait_without_anything_to_wait_for(self):
        sid = self.s.register()
        posting = Background(self.s.post, {"rid": 1, "platform": "dispatcher", "verb": "ping", "timestamp": 1}, sid=sid,
                             wait=30)
        self.assertEqual(2, len(posting.result().replies))
        self.assertLess(posting.seconds, 10)

    def test_wait_same_rid_twice(self):
        posted = self.s.post([job(1, "echo", n=1), job(1, "echo", n=2)], sid=self.s.register(), wait=20)
        self.assertEqual([1, 2], sorted(r["object"]["n"] for r in posted.replies[2:]))

    def test_client_that_left_finds_its_result(self):
        sid = self.s.register()
        with socket.create_connection(("127.0.0.1", self.s.port)) as sock:
            body = json.dumps(job(1, "delay", ms=1500)).encode()
            sock.sendall(b"POST /sockethub/%s?wait=30 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (sid.encode(), len(body), body))
            lib.until("the job runs", lambda: self.s.redis("XLEN", self.queue()) == 1)
        messages = self.s.collect(sid, lambda m: m)[1]
        self.assertTrue(is_result(messages[0], 1))

    # --- polls and cursors --------------------------------------------------------------------------------------------------

    def test_cursors(self):
        sid = self.s.register()
        self.s.post(job(1, "burst", n=10), sid=sid, wait=20)
        seen, after = [], None
        for _ in range(4):
            cursor, messages = self.s.poll(sid, after, wait=0, limit=3)
            # The same question again has the same answer: what was not acknowledged is still there.
            self.assertEqual((cursor, messages), self.s.poll(sid, after, wait=0, limit=3))
            seen += [m["object"]["i"] for m in messages]
            after = cursor
        self.assertEqual(list(range(10)), seen)
        self.assertEqual((after, []), self.s.poll(sid, after, wait=0))
        self.assertEqual([], self.s.poll(sid, None, wait=0)[1])

    def test_cursor_acknowledges_what_is_at_or_before_it(self):
        sid = self.s.register()
        self.s.post(job(1, "burst", n=4), sid=sid, wait=20)
        cursor = self.s.poll(sid, wait=0, limit=2)[0]
        self.assertEqual(4, len(self.s.poll(sid, wait=0)[1]))
        self.assertEqual([2, 3], [m["object"]["i"] for m in self.s.poll(sid, cursor, wait=0)[1]])
        self.assertEqual([2, 3], [m["object"]["i"] for m in self.s.poll(sid, wait=0)[1]])

    def test_cursor_before_any_message(self):
        sid = self.s.register()
        cursor, messages = self.s.poll(sid, wait=0)
        self.assertEqual([], messages)
        self.s.post(job(1, "echo"), sid=sid)
        self.assertTrue(is_result(self.s.poll(sid, cursor, wait=20)[1][0], 1))

    def test_cursor_in_the_future(self):
        sid = self.s.register()
        self.s.post(job(1, "burst", n=3), sid=sid, wait=20)
        self.assertEqual((FUTURE, []), self.s.poll(sid, FUTURE, wait=0))
        self.assertEqual([], self.s.poll(sid, wait=0)[1])

    def test_malformed_queries(self):
        sid = self.s.register()
        cursor = "after has to be a cursor"
        limit = "limit has to be a whole number, at least 1"
        wait = "wait has to be a whole number of seconds"
        for query, detail in (("after=x", cursor), ("after=", None), ("after=1", cursor), ("after=1-", cursor),
                              ("after=-1", cursor), ("after=1-1x", cursor), ("after=1-1-1", cursor),
                              ("after=%31-1", cursor), ("after=" + "1" * 60, cursor), ("after=+-%2b", cursor),
                              ("after=99999999999999999999-0", cursor), ("limit=0", limit), ("limit=-1", limit),
                              ("limit=x", limit), ("limit=1.5", limit), ("limit=" + "9" * 30, limit),
                              ("wait=x", wait), ("wait=-1", wait), ("wait=1e3", wait), ("wait=%20", wait)):
            with self.subTest(query):
                reply = self.s.http("GET", "%s/%s?wait=0&%s" % (self.s.base, sid, query) if not query.startswith("wait")
                                    else "%s/%s?%s" % (self.s.base, sid, query))
                if detail is None:
                    self.assertIn(reply.status, (200, 400))
                else:
                    self.problem(reply, 400, "invalid", detail)
        self.problem(self.s.http("POST", self.s.base + "?wait=soon", b"[]", JSON), 400, "invalid", wait)
        self.problem(self.s.http("GET", "%s/%s/stream?after=x" % (self.s.base, sid)), 400, "invalid",
                     "after and Last-Event-ID have to be cursors")
        self.problem(self.s.http("GET", "%s/%s/stream" % (self.s.base, sid), headers={"Last-Event-ID": "x"}), 400,
                     "invalid")
        self.assertEqual(200, self.s.http("GET", "%s/%s?wait=0&limit=99999&other=1&&=" % (self.s.base, sid)).status)

    def test_poll_waits_and_is_answered_at_once(self):
        sid = self.s.register()
        poll = Background(self.s.poll, sid, wait=30)
        self.s.post(job(1, "delay", ms=1200), sid=sid)
        cursor, messages = poll.result()
        self.assertTrue(is_result(messages[0], 1))
        self.assertGreater(poll.seconds, 1)
        self.assertLess(poll.seconds, 10)
        self.assertEqual((cursor, []), self.s.poll(sid, cursor, wait=0))

    def test_poll_is_empty_after_its_time(self):
        poll = Background(self.s.poll, self.s.register(), wait=1)
        self.assertEqual([], poll.result()[1])
        self.assertGreater(poll.seconds, 0.9)
        self.assertLess(poll.seconds, 5)

    def test_two_polls_of_one_session(self):
        sid = self.s.register()
        polls = [Background(self.s.poll, sid, wait=30) for _ in range(2)]
        self.s.post(job(1, "delay", ms=1000), sid=sid)
        first, second = (p.result() for p in polls)
        self.assertEqual(first, second)
        self.assertEqual(1, len(first[1]))

    # --- streams ----------------------------------------------------------------------------------------------------------------

    def test_events(self):
        sid = self.s.register()
        with self.s.sse(sid) as stream:
            self.assertEqual((200, "text/event-stream", "no-store", "no"), (
                stream.status, stream.headers["content-type"], stream.headers["cache-control"],
                stream.headers["x-accel-buffering"]))
            self.s.post(job(1, "burst", n=3), sid=sid)
            events = [stream.next_event() for _ in range(4)]
            self.assertEqual([0, 1, 2], [e.data["object"]["i"] for e in events[:3]])
            self.assertTrue(is_result(events[3].data, 1))
            self.assertGreater(stream.comments, 0)
        # The id is the cursor: it resumes here and in a poll.
        with self.s.sse(sid, last_event_id=events[1].id) as stream:
            self.assertEqual(events[2:], [stream.next_event(), stream.next_event()])
        self.assertEqual([e.data for e in events[3:]], self.s.poll(sid, events[2].id, wait=0)[1])
        with self.s.sse(sid, after=FUTURE, last_event_id=events[2].id) as stream:
            self.assertEqual(events[3], stream.next_event())  # the header counts: EventSource repeats its first query

    def test_event_stream_raw(self):
        sid = self.s.register()
        self.s.post(job(1, "echo", text="a\nb\r\u2028"), sid=sid)
        lib.until("the result", lambda: self.s.poll(sid, wait=0)[1])
        with socket.create_connection(("127.0.0.1", self.s.port), timeout=10) as sock:
            sock.sendall(b"GET /sockethub/%s/stream HTTP/1.0\r\n\r\n" % sid.encode())
            data = b""
            while not data.endswith(b"}\n\n"):
                data += sock.recv(65536)
        body = data.partition(b"\r\n\r\n")[2].decode()
        self.assertRegex(body, r'\A:\n\nid: \d+-\d+\ndata: \{"actor":.*"text":"a\\nb\\r\u2028".*\}\n\n\Z')

    def test_lines(self):
        sid = self.s.register()
        with self.s.sse(sid, ndjson=True) as stream:
            self.assertEqual((200, "application/x-ndjson"), (stream.status, stream.headers["content-type"]))
            self.s.post(job(1, "burst", n=2), sid=sid)
            self.assertEqual([0, 1], [stream.next_event().data["object"]["i"] for _ in range(2)])
            self.assertTrue(is_result(stream.next_event().data, 1))

    def test_heartbeat(self):
        sid = self.s.register()
        with self.s.sse(sid, timeout=25) as events, self.s.sse(sid, ndjson=True, timeout=25) as lines:
            events.response.readline(), events.response.readline()  # the comment at the start
            began = time.monotonic()
            self.assertEqual(b":\n", events.response.readline())
            self.assertTrue(13 < time.monotonic() - began < 22, time.monotonic() - began)
            self.assertEqual(b"\n", lines.response.readline())

    # --- what HTTP can refuse ------------------------------------------------------------------------------------------------

    def test_methods(self):
        sid = self.s.register()
        for path, allowed in (("", "POST, OPTIONS"), ("/" + sid, "GET, POST, DELETE, OPTIONS"),
                              ("/%s/stream" % sid, "GET, OPTIONS"), ("/schema", "GET, HEAD, OPTIONS")):
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"):
                if method in allowed.split(", "):
                    continue
                with self.subTest(method + " " + path):
                    reply = self.s.http(method, self.s.base + path, b"[]" if method == "POST" else None, JSON)
                    self.assertEqual((405, allowed), (reply.status, reply.headers["allow"]))
                    if method != "HEAD":
                        self.problem(reply, 405, "method")
        for path in ("/healthz", "/readyz"):
            self.problem(self.s.http("POST", path, b"[]", JSON), 405, "method")
            self.assertEqual((200, b""), self.s.http("HEAD", path)[::2])

    def test_accept(self):
        sid = self.s.register()
        for accept, status in (("application/json", 200), ("*/*", 200), ("application/*;q=0.1", 200), ("text/html", 406),
                               ("application/json;q=0", 406), ("text/html, */*;q=0.1", 200), ("", 200),
                               ("application/json;q=0.0, text/html", 406), ("APPLICATION/JSON", 200)):
            with self.subTest(accept):
                reply = self.s.http("GET", "%s/%s?wait=0" % (self.s.base, sid), headers={"Accept": accept})
                self.assertEqual(status, reply.status)
                if status == 406:
                    self.problem(reply, 406, "not-acceptable")
        self.problem(self.s.http("GET", "%s/%s/stream" % (self.s.base, sid), headers={"Accept": "image/png"}), 406,
                     "not-acceptable")

    def test_content_type(self):
        for kind, status in (("application/json", 200), ("Application/JSON; charset=utf-8", 200),
                             ("application/activity+json", 200), ("text/plain", 415), ("", 415),
                             ("application/jsonx", 415), ("application/x-www-form-urlencoded", 415), ("json", 415)):
            with self.subTest(kind):
                reply = self.s.http("POST", self.s.base, b"[]", {"Content-Type": kind})
                self.assertEqual(status, reply.status)
                if status == 415:
                    self.problem(reply, 415, "media-type")
        self.problem(self.s.http("POST", self.s.base, b"[]"), 415, "media-type")

    def test_schema(self):
        whole = json.loads(self.s.http("GET", "/sockethub/schema").body)
        self.assertEqual(["verbs", "platforms"], list(whole))
        self.assertEqual({"dispatcher", "dummy"}, set(whole["platforms"]))
        self.assertIn("register", whole["verbs"])
        one = self.s.http("GET", "/sockethub/schema/dummy")
        self.assertEqual((200, "application/json"), (one.status, one.headers["content-type"]))
        self.assertEqual(whole["platforms"]["dummy"], json.loads(one.body))
        for name in ("feeds", "nowhere", "", "../verbs", "dummy/"):
            self.problem(self.s.http("GET", "/sockethub/schema/" + name), 404, "not-found")

    # --- HTTP itself -------------------------------------------------------------------------------------------------------------

    def raw(self, *parts, n=1):
        """Sends the parts one after the other; the n responses as (status, body)."""
        with socket.create_connection(("127.0.0.1", self.s.port), timeout=20) as sock:
            for part in parts:
                sock.sendall(part)
            found = []
            with sock.makefile("rb") as f:
                for _ in range(n):
                    status = int(f.readline().split()[1])
                    length = 0
                    while (line := f.readline()) not in (b"\r\n", b""):
                        if line.lower().startswith(b"content-length:"):
                            length = int(line.split(b":")[1])
                    found.append((status, f.read(length)))
            return found

    @staticmethod
    def request(body, path="/sockethub", extra=b""):
        return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
            path.encode(), extra, len(body), body)

    def test_keep_alive_and_pipelining(self):
        sid = self.s.register()
        ping = b'{"rid":%d,"platform":"dispatcher","verb":"ping","timestamp":1}'
        path = "/sockethub/" + sid
        many = b"".join(self.request(ping % i, path) for i in range(50))
        answers = self.raw(many, n=50)
        self.assertEqual([(200, i) for i in range(50)], [(s, json.loads(b)[0]["rid"]) for s, b in answers])
        # A request behind one that waits is answered after it.
        wait = self.request(json.dumps(job(1, "delay", ms=300)).encode(), path + "?wait=20")
        answers = self.raw(wait + self.request(ping % 2, path), n=2)
        self.assertEqual([1, 2], [json.loads(b)[-1]["rid"] for _, b in answers])

    def test_byte_by_byte(self):
        data = self.request(b'{"rid":1}')
        self.assertEqual(200, self.raw(*[data[i:i + 1] for i in range(len(data))])[0][0])

    def test_expect_continue(self):
        self.assertEqual([(100, b""), (200, b'[{"verb":"confirm","status":false,"message":'
                                            b'"no rid (request ID) specified"}]')],
                         self.raw(self.request(b"[]", extra=b"Expect: 100-continue\r\n"), n=2))

    def test_expect_too_large(self):
        head = b"POST /sockethub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n" \
               b"Content-Length: 99999999\r\n\r\n"
        self.assertEqual(413, self.raw(head)[0][0])

    def test_chunked(self):
        head = b"POST /sockethub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        status, body = self.raw(head, b"5\r\n{\"rid\r\n", b"4;x=y\r\n\":7}\r\n", b"0\r\n\r\n")[0]
        self.assertEqual((200, 7), (status, json.loads(body)[0]["rid"]))

    def test_no_length(self):
        status, body = self.raw(b"POST /sockethub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n")[0]
        self.assertEqual((411, "length-required"), (status, json.loads(body)["code"]))

    def test_large_head(self):
        """Cookies of other applications on the same host come along."""
        sid = self.s.register()
        for size, good in ((100, True), (1500, True), (100000, False)):
            with self.subTest(size):
                try:
                    reply = self.s.http("GET", "%s/%s?wait=0" % (self.s.base, sid), headers={"Cookie": "c" * size})
                    self.assertEqual(200 if good else 431, reply.status)
                except (ConnectionError, http.client.HTTPException):
                    self.assertFalse(good)  # the rest of the head was cut off while it was being sent
        self.assertEqual(200, self.s.http("GET", "/healthz").status)

    def test_garbage(self):
        for garbage in (b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0", b"GET / HTTP/9.9\r\n\r\n",
                        b"GET /%ff%00%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /sockethub HTTP/1.1\r\n"):
            with socket.create_connection(("127.0.0.1", self.s.port), timeout=20) as sock:
                sock.sendall(garbage)
        self.assertEqual(200, self.s.http("GET", "/healthz").status)


class Settings(client.Problems, lib.StackTest):
    """What depends on the configuration or on who is there."""

    def test_cors(self):
        s = self.stack(config={"http": {"origins": ["https://app.example"]}})
        sid = s.register()
        own = "http://127.0.0.1:%d" % s.port
        path = "%s/%s?wait=0" % (s.base, sid)
        for origin in (own, own.replace("http", "https"), "https://app.example", "HTTPS://APP.example"):
            reply = s.http("GET", path, headers={"Origin": origin})
            self.assertEqual((200, origin), (reply.status, reply.headers["access-control-allow-origin"]))
            self.assertIn("Sockethub-Session", reply.headers["access-control-expose-headers"])
            self.assertEqual("Origin", reply.headers["vary"])
            reply = s.http("OPTIONS", s.base, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            self.assertEqual((204, origin), (reply.status, reply.headers["access-control-allow-origin"]))
            for word in ("GET", "POST", "DELETE"):
                self.assertIn(word, reply.headers["access-control-allow-methods"])
            for word in ("Content-Type", "Authorization", "Last-Event-ID"):
                self.assertIn(word, reply.headers["access-control-allow-headers"])
        for origin in ("https://evil.example", "null", "https://app.example.evil", "", "http://127.0.0.1"):
            for method in ("GET", "OPTIONS", "DELETE"):
                reply = s.http(method, path, headers={"Origin": origin})
                self.problem(reply, 403, "forbidden")
                self.assertNotIn("access-control-allow-origin", reply.headers)
        reply = s.http("POST", s.base, b"x", {"Origin": "https://app.example"})
        self.problem(reply, 415, "media-type")  # a page can read what is wrong
        self.assertEqual("https://app.example", reply.headers["access-control-allow-origin"])
        self.assertEqual(200, s.http("GET", path).status)  # no page

    def test_cors_any(self):
        s = self.stack(config={"http": {"origins": ["*"]}})
        reply = s.http("POST", s.base, b"[]", {**JSON, "Origin": "https://anybody.example"})
        self.assertEqual((200, "https://anybody.example"),
                         (reply.status, reply.headers["access-control-allow-origin"]))

    def test_ready(self):
        s = self.stack(platforms=["dummy"], config={"session": {"ttl_s": 60}})
        self.assertEqual({"status": "ready", "redis": True, "platforms": {"dummy": True}},
                         json.loads(s.http("GET", "/readyz").body))
        self.assertEqual("ok", json.loads(s.http("GET", "/healthz").body)["status"])
        s.workers["dummy"][0].stop()
        # A worker may be gone for some seconds before its platform counts as away: it may be starting anew.
        lib.until("not ready", lambda: s.http("GET", "/readyz").status == 503, 30)
        self.assertEqual({"status": "not ready", "redis": True, "platforms": {"dummy": False}},
                         json.loads(s.http("GET", "/readyz").body))
        posted = s.post(job(1, "echo"), sid=s.register())
        self.assertEqual("platform 'dummy' has no worker at the moment, try again later", posted.replies[0]["message"])
        s.redis.kill()
        lib.until("redis is away", lambda: not json.loads(s.http("GET", "/readyz").body)["redis"])
        self.assertEqual(200, s.http("GET", "/healthz").status)
        for method, path in (("POST", s.base), ("GET", s.base + "/" + "x" * 22), ("DELETE", s.base + "/" + "x" * 22),
                             ("GET", s.base + "/" + "x" * 22 + "/stream"), ("POST", s.base + "?wait=5")):
            reply = s.http(method, path, b'{"rid":1}' if method == "POST" else None, JSON)
            self.problem(reply, 503, "redis")
            self.assertEqual("1", reply.headers["retry-after"])

    def test_header_bytes(self):
        s = self.stack(config={"limits": {"header_bytes": 16384}})
        self.assertEqual(200, s.http("GET", "/healthz", headers={"Cookie": "c" * 15000}).status)

    def test_metrics(self):
        admin = lib.free_port()
        s = self.stack(config={"admin": "127.0.0.1:%d" % admin})

        def metric(name):
            lines = s.http("GET", "/metrics", port=admin).body.decode().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith(name + " "))
        self.assertEqual(404, s.http("GET", "/metrics").status)
        self.assertEqual(404, s.http("GET", "/", port=admin).status)
        sid = s.register()
        s.post([job(1, "echo"), job(2, "burst", n=3), job(3, "nonsense")], sid=sid, wait=20)
        s.poll(sid, wait=0)
        s.http("GET", "/nothing")
        self.assertEqual((2, 2, 3), (metric("sockethub_jobs_confirmed_total"),
                                     metric("sockethub_results_waited_total"),
                                     metric("sockethub_messages_delivered_total")))
        self.assertGreaterEqual(metric("sockethub_http_problems_total"), 2)
        s.post(job(1, "echo"))  # not registered: not confirmed
        self.assertEqual(2, metric("sockethub_jobs_confirmed_total"))

    def test_base(self):
        for base, prefix in (("/", ""), ("/deep/er", "/deep/er")):
            with self.subTest(base):
                s = self.stack(config={"base": base})
                reply = s.http("POST", base, json.dumps({"rid": 1, "platform": "dispatcher", "verb": "register",
                                                         "object": {"secret": lib.SECRET}}), JSON)
                sid = reply.headers["sockethub-session"]
                self.assertEqual("%s/%s" % (prefix, sid), reply.headers["location"])
                self.assertEqual(200, s.http("GET", reply.headers["location"] + "?wait=0").status)
                self.assertEqual(200, s.http("GET", prefix + "/schema/dummy").status)
                self.assertEqual(200, s.http("GET", "/readyz").status)
                stream = lib.Stream(s.port, "%s/%s/stream" % (prefix, sid), {}, 9)
                self.assertEqual(200, stream.status)
                stream.close()
                self.assertEqual(404, s.http("POST", "/sockethub", b"[]", JSON).status)
                self.assertEqual(204, s.http("DELETE", "%s/%s" % (prefix, sid)).status)


if __name__ == "__main__":
    lib.main()
