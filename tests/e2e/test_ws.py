# SPDX-License-Identifier: MIT
"""The WebSocket front: handshake, frames good and hostile, the session behind a socket, resume, slow clients, shutdown.
The replies themselves are compared in test_replies.py."""

import json
import os
import resource
import signal
import socket
import threading
import time
import unittest

import lib
import wsclient
from wsclient import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

REGISTER = {"rid": "r", "platform": "dispatcher", "verb": "register", "object": {"secret": lib.SECRET}}
SANITIZED = "plain" not in lib.BUILD


def job(rid, verb, **obj):
    return {"rid": rid, "platform": "dummy", "verb": verb, "actor": {"address": "tester"}, "target": [], "object": obj}


def register(ws):
    """Registers; gives the session's id."""
    ws.send(REGISTER)
    confirm, result = ws.recv(), ws.recv()
    if (confirm["verb"], result["verb"], result["status"]) != ("confirm", "register", True):
        raise AssertionError("register: %r %r" % (confirm, result))
    return result["object"]["sessionId"]


def memory_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


class Shared(lib.StackTest):
    """Tests that do not disturb each other share one stack."""

    config = None

    @classmethod
    def setUpClass(cls):
        cls.s = lib.Stack(platforms=["dummy"], config=cls.config)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.s.close()
        except AssertionError:
            print(cls.s.last_logs)
            raise

    def connect(self, *args, **how):
        ws = wsclient.connect(self.s.port, *args, **how)
        self.addCleanup(ws.close)
        return ws

    def lives(self):
        """The gateway still serves others."""
        with wsclient.connect(self.s.port) as ws:
            register(ws)


class Handshake(Shared):
    config = {"http": {"origins": ["https://app.example"]}}

    def refused(self, status, path="/sockethub", **headers):
        with self.assertRaises(wsclient.Refused) as caught:
            self.connect(path, {k.replace("_", "-"): v for k, v in headers.items()})
        self.assertEqual(caught.exception.status, status)
        self.assertEqual(caught.exception.headers["content-type"], "application/problem+json")
        self.assertEqual(json.loads(caught.exception.body)["status"], status)
        return caught.exception

    def test_subprotocol_is_echoed(self):
        for offered, answered in (("sockethub", "sockethub"), ("SocketHub", "SocketHub"), ("chat, SOCKETHUB", "SOCKETHUB"),
                                  ("chat,sockethub ,x", "sockethub")):
            ws = self.connect(headers={"Sec-WebSocket-Protocol": offered})
            self.assertEqual(ws.headers["sec-websocket-protocol"], answered)
            self.assertNotIn("sec-websocket-extensions", ws.headers)

    def test_without_subprotocol(self):
        for offered in (None, "", "chat", "sockethubs", "sockethub2, chat", "socket hub"):
            self.assertIn("sockethub", self.refused(400, Sec_WebSocket_Protocol=offered).body.decode())

    def test_version(self):
        for version in (None, "8", "12", "14", "13, 8", ""):
            refused = self.refused(426, Sec_WebSocket_Version=version)
            self.assertEqual(refused.headers["sec-websocket-version"], "13")

    def test_key(self):
        for key in (None, "", "short", "A" * 24, "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==A", "*" * 22 + "=="):
            with self.assertRaises(wsclient.Refused) as caught:
                sock = socket.create_connection(("127.0.0.1", self.s.port), timeout=20)
                ws = wsclient.Socket(sock)
                ws.open(wsclient.handshake(self.s.port, headers={"Sec-WebSocket-Key": key}))
            self.assertEqual(caught.exception.status, 400)

    def test_connection_header(self):
        self.refused(400, Connection="close")
        self.refused(400, Connection=None)
        self.connect(headers={"Connection": "keep-alive, Upgrade"})

    def test_http_1_0(self):
        with socket.create_connection(("127.0.0.1", self.s.port), timeout=20) as s:
            s.sendall(wsclient.handshake(self.s.port).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
            self.assertIn(b" 400 ", s.makefile("rb").readline())

    def test_extensions_are_not_taken(self):
        ws = self.connect(headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
        self.assertNotIn("sec-websocket-extensions", ws.headers)
        register(ws)

    def test_origin(self):
        self.connect(headers={"Origin": "http://127.0.0.1:%d" % self.s.port})
        self.connect(headers={"Origin": "https://app.example"})
        for origin in ("http://evil.example", "null", "https://app.example.evil", ""):
            self.refused(403, Origin=origin)

    def test_any_path(self):
        for path in ("/", "/sockethub", "/sockethub/", "/somewhere/else", "/sockethub/schema", "/healthz?x=1", "/%2e%2e"):
            register(self.connect(path))

    def test_unknown_session(self):
        for sid in ("A" * 22, "*" * 22, "AAAAAAAAAAAAAAAAAAAA%2e"[:22]):
            self.refused(404, "/sockethub/" + sid)
        self.refused(404, headers_bearer=None, Authorization="Bearer " + "A" * 22)
        self.refused(404, Authorization="Bearer x")

    def test_bad_cursor(self):
        self.refused(400, "/sockethub?after=x")

    def test_other_methods_do_not_upgrade(self):
        reply = self.s.http("POST", "/sockethub", json.dumps(REGISTER), {
            "Content-Type": "application/json", "Upgrade": "websocket", "Connection": "Upgrade"})
        self.assertEqual(reply.status, 200)
        reply = self.s.http("GET", "/healthz", headers={"Upgrade": "h2c", "Connection": "Upgrade"})
        self.assertEqual(reply.status, 200)

    def test_slow_and_cut_handshakes(self):
        request = wsclient.handshake(self.s.port)
        for cut in range(1, len(request), 37):
            with socket.create_connection(("127.0.0.1", self.s.port), timeout=20) as s:
                s.sendall(request[:cut])
        with socket.create_connection(("127.0.0.1", self.s.port), timeout=20) as s:
            s.sendall(request)  # gone before the answer
        ws = wsclient.Socket(socket.create_connection(("127.0.0.1", self.s.port), timeout=20))
        self.addCleanup(ws.close)
        for at in range(0, len(request) - 4, 50):
            ws.raw(request[at:min(at + 50, len(request) - 4)])
        ws.open(request[-4:])
        register(ws)


class Frames(Shared):
    def closed(self, data, code, reason=None):
        """The gateway closes with `code` after these bytes."""
        ws = self.connect()
        ws.raw(data)
        found = ws.closing()
        self.assertIsNotNone(found)
        self.assertEqual(found[0], code, found)
        if reason is not None:
            self.assertEqual(found[1], reason)

    def test_early_frames_in_order(self):
        early = b"".join(wsclient.frame(TEXT, json.dumps(j).encode())
                         for j in [REGISTER] + [job(n, "echo", n=n) for n in range(5)])
        ws = self.connect(early=early)
        replies = ws.recv_until(lambda m: m.get("rid") == 4 and m["verb"] == "echo")
        self.assertEqual([r["rid"] for r in replies if r["verb"] == "confirm"], ["r", 0, 1, 2, 3, 4])

    def test_large_early_frame(self):
        text = json.dumps(job(1, "echo", text="x" * 60000)).encode()
        ws = self.connect(early=wsclient.frame(TEXT, json.dumps(REGISTER).encode()) + wsclient.frame(TEXT, text))
        replies = ws.recv_until(lambda m: m["verb"] == "echo")
        self.assertEqual(len(replies[-1]["object"]["text"]), 60000)

    def test_array_and_object(self):
        ws = self.connect()
        ws.send([REGISTER, job(1, "echo", n=1), job(2, "echo", n=2)])
        replies = ws.recv_until(lambda m: m.get("rid") == 2 and m["verb"] == "echo")
        self.assertEqual([(r["rid"], r["verb"]) for r in replies[:2]], [("r", "confirm"), ("r", "register")])
        self.assertEqual(sorted((r["rid"], r["verb"]) for r in replies[2:]),
                         [(1, "confirm"), (1, "echo"), (2, "confirm"), (2, "echo")])

    def test_fragments_with_control_frames_between(self):
        ws = self.connect()
        text = json.dumps(REGISTER).encode()
        for at in range(len(text)):
            ws.frame(TEXT if at == 0 else CONTINUATION, text[at:at + 1], fin=False)
            if at % 10 == 0:
                ws.frame(PING, b"%d" % at)
                self.assertEqual(ws.next_frame(), (PONG, b"%d" % at, True))
        ws.frame(PONG, b"nobody asked")
        ws.frame(CONTINUATION)
        self.assertEqual(ws.recv()["verb"], "confirm")
        self.assertEqual(ws.recv()["verb"], "register")

    def test_a_character_across_fragments(self):
        ws = self.connect()
        register(ws)
        text = json.dumps(job(1, "echo", text="h\u00e9\U0001f600"), ensure_ascii=False).encode()
        at = text.index("\U0001f600".encode()) + 2
        ws.frame(TEXT, text[:at], fin=False)
        ws.frame(CONTINUATION, text[at:])
        self.assertEqual(ws.recv_until(lambda m: m["verb"] == "echo")[-1]["object"]["text"], "h\u00e9\U0001f600")

    def test_byte_by_byte(self):
        ws = self.connect()
        for byte in wsclient.frame(TEXT, json.dumps(REGISTER).encode()):
            ws.raw(bytes([byte]))
        self.assertEqual(ws.recv()["verb"], "confirm")

    def test_binary_comes_back(self):
        ws = self.connect()
        for data in (b"", b"\x00\xff", os.urandom(65536)):
            ws.frame(BINARY, data)
            self.assertEqual(ws.next_frame(), (BINARY, data, True))
        ws.frame(BINARY, b"one", fin=False)
        ws.frame(CONTINUATION, b"two", fin=False)
        ws.frame(CONTINUATION, b"three")
        self.assertEqual(ws.next_frame(), (BINARY, b"onetwothree", True))

    def test_message_limit(self):
        whole = os.urandom(1 << 20)
        ws = self.connect()
        def send(parts):
            for n, part in enumerate(parts):
                ws.frame(CONTINUATION if n else BINARY, part, fin=n == len(parts) - 1)
        parts = [whole[at:at + 65536] for at in range(0, len(whole), 65536)]
        sender = threading.Thread(target=send, args=(parts,))
        sender.start()
        self.assertEqual(ws.next_frame(), (BINARY, whole, True))
        sender.join()
        send(parts[:-1] + [parts[-1][:-1]])
        self.assertEqual(ws.next_frame()[1], whole[:-1])
        for n, part in enumerate(parts):
            ws.frame(CONTINUATION if n else BINARY, part, fin=False)
        ws.frame(CONTINUATION, b"x")
        self.assertEqual(ws.closing(), (1009, "the message is too large"))

    def test_frame_limit(self):
        ws = self.connect()
        ws.frame(BINARY, b"x" * 65536)
        self.assertEqual(len(ws.next_frame()[1]), 65536)
        self.closed(wsclient.frame(BINARY, b"x" * 65537), 1009)
        self.closed(wsclient.frame(TEXT, b"x", length=1 << 40), 1009)
        self.closed(wsclient.frame(TEXT, b"x", length=(1 << 63) - 1), 1009)

    def test_protocol_errors(self):
        frame = wsclient.frame
        for name, data in {
                "unmasked": frame(TEXT, b"{}", masked=False),
                "reserved bit 1": frame(TEXT, b"{}", rsv=4),
                "reserved bit 2": frame(TEXT, b"{}", rsv=2),
                "reserved bit 3": frame(TEXT, b"{}", rsv=1),
                "reserved opcode": frame(3, b"{}"),
                "reserved control opcode": frame(11, b"{}"),
                "fragmented ping": frame(PING, b"x", fin=False),
                "long ping": frame(PING, b"x" * 126),
                "continuation of nothing": frame(CONTINUATION, b"x"),
                "a text within a text": frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
                "a binary within a text": frame(TEXT, b"x", fin=False) + frame(BINARY, b"y"),
                "16 bits for a short length": b"\x81\xfe\x00\x05" + b"\0\0\0\0hello",
                "64 bits for a short length": b"\x81\xff\0\0\0\0\0\0\x00\x05" + b"\0\0\0\0hello",
                "close code 1005": frame(CLOSE, b"\x03\xed"),
                "close code 999": frame(CLOSE, b"\x03\xe7"),
        }.items():
            with self.subTest(name):
                self.closed(data, 1002)
        self.lives()

    def test_invalid_utf8(self):
        for data in (b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"{}\x80"):
            self.closed(wsclient.frame(TEXT, data), 1007)
        self.closed(wsclient.frame(TEXT, b"\xc3", fin=False) + wsclient.frame(CONTINUATION, b"("), 1007)
        self.closed(wsclient.frame(CLOSE, b"\x03\xe8\xff"), 1007)

    def test_replies_before_a_protocol_error(self):
        """What was asked for in good order is answered although garbage follows."""
        ws = self.connect()
        ws.raw(wsclient.frame(BINARY, b"answer") + b"\xff" * 100)
        self.assertEqual(ws.next_frame(), (BINARY, b"answer", True))
        self.assertEqual(ws.closing()[0], 1002)

    def test_closing_handshake(self):
        for payload, echoed in ((b"", b""), (b"\x03\xe8", b"\x03\xe8"), (b"\x0f\xa0why", b"\x0f\xa0why")):
            ws = self.connect()
            ws.frame(CLOSE, payload)
            self.assertEqual(ws.next_frame()[:2], (CLOSE, echoed))
            with self.assertRaises(ConnectionError):  # and the gateway closes the connection
                ws.next_frame()

    def test_after_close_nothing_is_heard(self):
        ws = self.connect()
        ws.raw(wsclient.frame(CLOSE, b"\x03\xe8") + wsclient.frame(TEXT, b"helloWorld"))
        self.assertEqual(ws.next_frame()[0], CLOSE)
        with self.assertRaises(ConnectionError):
            ws.next_frame()

    def test_cut_anywhere(self):
        data = wsclient.frame(TEXT, b"x", fin=False) + wsclient.frame(PING, b"abc") + wsclient.frame(
            CONTINUATION, b"y" * 300)
        for cut in range(len(data)):
            ws = self.connect()
            ws.raw(data[:cut])
            ws.close()
        self.lives()

    def test_noise(self):
        for _ in range(30):
            ws = self.connect()
            try:
                ws.raw(os.urandom(3000))
                ws.closing()
            except (OSError, AssertionError):
                pass
        self.lives()


class Bounds(Shared):
    config = {"limits": {"ws_frame_bytes": 2048, "ws_message_bytes": 4096, "jobs_per_request": 5, "jobs_per_s": 1}}

    def test_configured_limits(self):
        ws = self.connect()
        ws.frame(BINARY, b"x" * 2048)
        self.assertEqual(len(ws.next_frame()[1]), 2048)
        ws.frame(BINARY, b"x" * 2048, fin=False)
        ws.frame(CONTINUATION, b"y" * 2048)
        self.assertEqual(len(ws.next_frame()[1]), 4096)
        ws.frame(BINARY, b"x" * 2049)
        self.assertEqual(ws.closing()[0], 1009)

    def test_rate(self):
        """Every job of a refused frame gets a refusal of its own."""
        ws = self.connect()
        register(ws)
        ws.send([job(n, "echo") for n in range(4)])
        for _ in range(8):
            ws.recv()
        ws.send([job("a", "echo"), {"platform": "dummy"}, job("b", "echo")])
        self.assertEqual([ws.recv_text() for _ in range(3)], [
            '{"rid":"a","platform":"dummy","verb":"confirm","status":false,"message":"too many jobs, slow down"}',
            '{"verb":"confirm","status":false,"message":"no rid (request ID) specified"}',
            '{"rid":"b","platform":"dummy","verb":"confirm","status":false,"message":"too many jobs, slow down"}'])

    def test_too_many_jobs(self):
        ws = self.connect()
        ws.send([5] * 6)
        self.assertEqual(ws.recv_text(), '{"status":false,"message":"too many jobs in one request"}')


class Sessions(Shared):
    def gone(self, sid):
        lib.until("the session ends", lambda: self.s.http("GET", "/sockethub/%s?wait=0" % sid).status == 404)

    def test_ends_with_its_socket(self):
        ws = self.connect()
        sid = register(ws)
        self.assertEqual(self.s.http("GET", "/sockethub/%s?wait=0" % sid).status, 200)
        ws.close()
        self.gone(sid)

    def test_ends_with_a_socket_that_closed_well(self):
        ws = self.connect()
        sid = register(ws)
        ws.frame(CLOSE, b"\x03\xe8")
        self.gone(sid)

    def test_ends_also_when_the_socket_left_at_once(self):
        def sessions():
            return set(self.s.redis("ZRANGE", "sh:{0}:sessions", 0, -1))
        before = sessions()
        for _ in range(20):
            with wsclient.connect(self.s.port, early=wsclient.frame(TEXT, json.dumps(REGISTER).encode())):
                pass
        lib.until("all have closed", lambda: len(self.s.gateways[0].events("ws.open")) ==
                  len(self.s.gateways[0].events("ws.closed")))
        lib.until("no session is left", lambda: sessions() <= before)

    def test_each_socket_has_its_own(self):
        self.assertNotEqual(register(self.connect()), register(self.connect()))

    def test_pipelined_frames_keep_their_order(self):
        ws = self.connect()
        count = 300
        ws.raw(b"".join(wsclient.frame(TEXT, json.dumps(j).encode()) for j in
                        [REGISTER] + [job(n, "echo", n=n) for n in range(count)]))
        confirmed, finished = set(), []
        while len(finished) < count:
            m = ws.recv()
            if m["verb"] == "confirm":
                confirmed.add(m["rid"])
            elif m["verb"] == "echo":
                self.assertIn(m["rid"], confirmed, "a result before its confirmation")
                finished.append(m["rid"])
        self.assertEqual(sorted(finished), list(range(count)))

    def test_many_sockets_no_result_before_its_confirmation(self):
        """Results come by another connection to Redis, and may be faster."""
        sockets = [self.connect() for _ in range(20)]
        for ws in sockets:
            register(ws)
        for n in range(20):
            for ws in sockets:
                ws.send([job("%d.%d" % (n, i), "echo") for i in range(5)])
        for ws in sockets:
            seen, results = set(), 0
            while results < 100:
                m = ws.recv()
                if m["verb"] == "confirm":
                    seen.add(m["rid"])
                else:
                    self.assertIn(m["rid"], seen)
                    results += 1

    def test_messages_before_the_result(self):
        ws = self.connect()
        register(ws)
        ws.send(job(1, "burst", n=1000))
        found = ws.recv_until(lambda m: m.get("rid") == 1 and m["verb"] == "burst")
        self.assertEqual([m["object"]["i"] for m in found if "rid" not in m], list(range(1000)))
        self.assertEqual(found[-1]["object"], {"n": 1000})

    def test_results_of_http_jobs_come_too(self):
        ws = self.connect()
        sid = register(ws)
        self.s.post(job("h", "echo", n=5), sid=sid)
        self.assertEqual(ws.recv()["object"], {"n": 5})

    def test_delete_closes(self):
        ws = self.connect()
        sid = register(ws)
        self.assertEqual(self.s.http("DELETE", "/sockethub/" + sid).status, 204)
        self.assertEqual(ws.closing(), (1000, "the session has ended"))

    def test_what_was_written_does_not_pile_up(self):
        ws = self.connect()
        sid = register(ws)
        ws.send(job(1, "burst", n=1000))
        ws.recv_until(lambda m: m.get("rid") == 1 and m["verb"] == "burst")
        lib.until("the outbox is trimmed", lambda: len(self.s.poll(sid, wait=0, limit=1000)[1]) < 100)

    # --- resume ---

    def echo_by_http(self, sid, rid):
        posted = self.s.post(job(rid, "echo", n=rid), sid=sid)
        self.assertEqual(posted.replies[0]["status"], True)

    def test_resume_gives_what_was_missed(self):
        sid = self.s.register()
        for n in range(250):
            self.echo_by_http(sid, n)
        ws = self.connect("/sockethub/" + sid)
        self.assertEqual([ws.recv()["rid"] for _ in range(250)], list(range(250)))
        ws.send(job(250, "echo"))  # registered already
        self.assertEqual([ws.recv()["verb"], ws.recv()["verb"]], ["confirm", "echo"])

    def test_resume_after_a_cursor(self):
        sid = self.s.register()
        for n in range(3):
            self.echo_by_http(sid, n)
        cursor, messages = self.s.collect(sid, lambda found: len(found) >= 3)
        self.assertEqual(len(messages), 3)
        self.echo_by_http(sid, 3)
        ws = self.connect("/sockethub/%s?after=%s" % (sid, cursor))
        self.assertEqual(ws.recv()["rid"], 3)

    def test_resume_by_header(self):
        sid = self.s.register()
        self.echo_by_http(sid, 1)
        ws = self.connect(headers={"Authorization": "Bearer " + sid})
        self.assertEqual(ws.recv()["rid"], 1)

    def test_a_resumed_session_outlives_its_socket(self):
        sid = self.s.register()
        ws = self.connect("/sockethub/" + sid)
        self.echo_by_http(sid, 1)
        self.assertEqual(ws.recv()["rid"], 1)
        ws.close()
        self.echo_by_http(sid, 2)
        again = self.connect("/sockethub/" + sid)
        found = [again.recv()["rid"]]
        while found[-1] != 2:
            found.append(again.recv()["rid"])
        self.assertIn(found, ([1, 2], [2]))

    def test_a_sockets_session_resumed_by_another_one(self):
        first = self.connect()
        sid = register(first)
        second = self.connect("/sockethub/" + sid)
        first.send(job(1, "echo"))
        self.assertEqual([first.recv()["verb"], first.recv()["verb"]], ["confirm", "echo"])
        self.assertEqual(second.recv()["verb"], "echo")
        first.close()
        self.assertEqual(second.closing(), (1000, "the session has ended"))


class Slow(lib.StackTest):
    """Clients that do not read."""

    def filler(self, rid):
        return job(rid, "echo", text="x" * 20000)

    def test_catches_up(self):
        s = self.stack(platforms=["dummy"])
        with wsclient.connect(s.port, receive_bytes=4096) as ws, wsclient.connect(s.port) as other:
            sid = register(ws)
            register(other)
            for n in range(0, 600, 20):
                s.post([self.filler(n + i) for i in range(20)], sid=sid)
            worst = 0
            for n in range(50):  # nobody else is slower for it
                began = time.monotonic()
                other.send(job(n, "echo"))
                other.recv(), other.recv()
                worst = max(worst, time.monotonic() - began)
            self.assertLess(worst, 5 if SANITIZED else 1)
            self.assertEqual([ws.recv()["rid"] for _ in range(600)], list(range(600)))

    def test_closed_at_the_outbox_bound(self):
        s = self.stack(platforms=["dummy"], config={"limits": {"outbox": 100}})
        gateway = s.gateways[0]
        with wsclient.connect(s.port, receive_bytes=4096) as ws:
            sid = register(ws)
            before = memory_kb(gateway.pid)
            for n in range(1000):
                reply = s.post(self.filler(n), sid=sid)
                if reply.status != 200:
                    break
                if gateway.events("ws.slow"):
                    break
            gateway.wait_event("ws.slow")
            grown = memory_kb(gateway.pid) - before
            code, reason = ws.closing()
            self.assertEqual((code, reason), (1013, "messages were not taken: the outbox is full"))
            if not SANITIZED:
                self.assertLess(grown, 4096)

    def flood(self, frame, limit_kb):
        """Sends until the gateway takes no more; it keeps no more than that."""
        s = self.stack(platforms=["dummy"])
        gateway = s.gateways[0]
        with wsclient.connect(s.port, receive_bytes=4096) as ws:
            before = memory_kb(gateway.pid)
            ws.sock.settimeout(1)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < 200 << 20:
                    ws.raw(frame)
                    sent += len(frame)
            if not SANITIZED:
                self.assertLess(memory_kb(gateway.pid) - before, limit_kb)
            with wsclient.connect(s.port) as other:
                register(other)

    def test_binary_flood(self):
        self.flood(wsclient.frame(BINARY, b"x" * 60000) * 16, 4096)

    def test_ping_flood(self):
        self.flood(wsclient.frame(PING, b"x" * 125) * 1000, 4096)

    def test_empty_ping_flood(self):
        self.flood(wsclient.frame(PING) * 10000, 4096)

    def test_invalid_job_flood(self):
        self.flood(wsclient.frame(TEXT, b"helloWorld") * 1000, 8192)

    def test_empty_fragments(self):
        """A message of nothing, in any number of pieces, takes no room."""
        s = self.stack(platforms=["dummy"])
        with wsclient.connect(s.port) as ws:
            before = memory_kb(s.gateways[0].pid)
            ws.frame(TEXT, b"", fin=False)
            for _ in range(300):
                ws.raw(wsclient.frame(CONTINUATION, fin=False) * 1000)
            ws.frame(CONTINUATION, b"{}")
            self.assertEqual(ws.recv()["message"], "no rid (request ID) specified")
            if not SANITIZED:
                self.assertLess(memory_kb(s.gateways[0].pid) - before, 2048)


class Silence(lib.StackTest):
    def test_ping_and_drop(self):
        s = self.stack(platforms=["dummy"])
        with wsclient.connect(s.port) as quiet, wsclient.connect(s.port) as good:
            sid = register(quiet)
            good_sid = register(good)
            began = time.monotonic()
            self.assertEqual(quiet.next_frame(30)[0], PING)
            self.assertTrue(19.5 < time.monotonic() - began < 24, time.monotonic() - began)
            self.assertEqual(good.next_frame(10)[0], PING)
            good.frame(PONG)
            with self.assertRaises(ConnectionError):
                quiet.next_frame(20)
            self.assertTrue(29.5 < time.monotonic() - began < 36, time.monotonic() - began)
            s.gateways[0].wait_event("ws.closed")
            self.assertEqual(s.http("GET", "/sockethub/%s?wait=0" % sid).status, 404)
            good.send(job(1, "echo"))
            self.assertEqual(good.recv()["rid"], 1)
            self.assertEqual(s.http("GET", "/sockethub/%s?wait=0" % good_sid).status, 200)

    def test_an_idle_socket_keeps_its_session(self):
        s = self.stack(platforms=["dummy"], config={"session": {"ttl_s": 5, "unregistered_ttl_s": 2}})
        with wsclient.connect(s.port) as ws:
            sid = register(ws)
            end = time.monotonic() + 9
            while time.monotonic() < end:
                with self.assertRaises(TimeoutError):
                    ws.next_frame(1)
            ws.send(job(1, "echo"))
            self.assertEqual(ws.recv()["status"], True)
            self.assertEqual(s.http("GET", "/sockethub/%s?wait=0" % sid).status, 200)


class Faults(lib.StackTest):
    def test_drain(self):
        """A job that runs gets its result, then the socket is closed with 1001; a quiet one at once."""
        s = self.stack(platforms=["dummy"], config={"drain_s": 20})
        with wsclient.connect(s.port) as busy, wsclient.connect(s.port) as quiet, wsclient.connect(s.port) as fresh:
            register(busy)
            register(quiet)
            busy.send(job(1, "delay", ms=1500))
            self.assertEqual(busy.recv()["verb"], "confirm")
            s.gateways[0].signal(signal.SIGTERM)
            self.assertEqual(quiet.closing(), (1001, "shutting down"))
            self.assertEqual(fresh.closing(), (1001, "shutting down"))
            self.assertEqual(busy.recv()["verb"], "delay")
            self.assertEqual(busy.closing(), (1001, "shutting down"))
            self.assertEqual(s.gateways[0].wait(), 0)

    def test_cut_at_the_deadline(self):
        s = self.stack(platforms=["dummy"], config={"drain_s": 1})
        with wsclient.connect(s.port) as ws:
            register(ws)
            ws.send(job(1, "delay", ms=60000))
            self.assertEqual(ws.recv()["verb"], "confirm")
            s.gateways[0].signal(signal.SIGTERM)
            self.assertEqual(ws.closing()[0], 1001)
            self.assertEqual(s.gateways[0].wait(), 0)
        s.workers["dummy"][0].kill()

    def test_no_socket_while_draining(self):
        s = self.stack(platforms=["dummy"], config={"drain_s": 20})
        with wsclient.connect(s.port) as ws, socket.create_connection(("127.0.0.1", s.port)) as late:
            register(ws)
            ws.send(job(1, "delay", ms=1500))
            self.assertEqual(ws.recv()["verb"], "confirm")
            late.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200", late.recv(65536))
            s.gateways[0].signal(signal.SIGTERM)
            s.gateways[0].wait_event("gateway.drain")
            late.sendall(wsclient.handshake(s.port))
            self.assertIn(b" 503 ", late.recv(65536))

    def test_gateway_killed(self):
        s = self.stack(platforms=["dummy"])
        with wsclient.connect(s.port) as ws:
            register(ws)
            s.gateways[0].kill()
            self.assertIsNone(ws.closing())
        s.start_gateway(port=s.port)
        with wsclient.connect(s.port) as ws:
            register(ws)

    def test_redis_away(self):
        s = self.stack(platforms=["dummy"])
        with wsclient.connect(s.port) as ws:
            register(ws)
            s.redis.kill()
            def refused():
                ws.send(job(1, "echo"))
                return ws.recv()
            found = lib.until("a refusal", lambda: (lambda m: m if m["status"] is False else None)(refused()))
            self.assertEqual(found, {"rid": 1, "platform": "dummy", "verb": "confirm", "status": False,
                                     "message": "the queue is away, try again later"})
            with self.assertRaises(wsclient.Refused) as caught:
                wsclient.connect(s.port)
            self.assertEqual(caught.exception.status, 503)
            self.assertIn("retry-after", caught.exception.headers)
            s.start_redis()
            s.wait_ready()
            ws.send(job(2, "echo"))
            found = ws.recv_until(lambda m: m.get("rid") == 2 and m["verb"] == "echo")
            self.assertEqual([m["verb"] for m in found if m.get("rid") == 2], ["confirm", "echo"])

    def test_two_gateways(self):
        s = self.stack(platforms=["dummy"], gateways=2)
        with wsclient.connect(s.ports[0]) as ws:
            sid = register(ws)
            s.post(job(1, "echo", n=1), sid=sid, port=s.ports[1])
            self.assertEqual(ws.recv()["object"], {"n": 1})
            with wsclient.connect(s.ports[1], "/sockethub/" + sid) as other:
                other.send(job(2, "echo"))
                self.assertEqual(ws.recv()["rid"], 2)

    def test_too_many_sockets(self):
        s = self.stack(platforms=["dummy"], config={"limits": {"connections": 16}})
        sockets = [wsclient.connect(s.port) for _ in range(16)]
        for ws in sockets:
            self.addCleanup(ws.close)
        with self.assertRaises(wsclient.Refused) as caught:
            wsclient.connect(s.port)
        self.assertEqual(caught.exception.status, 503)
        sockets[0].close()
        def again():
            try:
                return wsclient.connect(s.port)
            except wsclient.Refused:
                return None
        lib.until("there is room again", again).close()


@unittest.skipIf(SANITIZED, "memory is measured in the plain build")
class Idle(lib.StackTest):
    def test_memory_of_an_idle_socket(self):
        count = 2000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        s = self.stack(platforms=["dummy"])
        for _ in range(200):  # memory that is there once
            with wsclient.connect(s.port) as ws:
                register(ws)
        before = memory_kb(s.gateways[0].pid)
        sockets = []
        self.addCleanup(lambda: [ws.close() for ws in sockets])
        for _ in range(count):
            sockets.append(wsclient.connect(s.port))
            register(sockets[-1])
        each = (memory_kb(s.gateways[0].pid) - before) / count
        print("an idle socket with a session: %.2f kB" % each)
        self.assertLess(each, 6)
        sockets[-1].send(job(1, "echo"))
        self.assertEqual(sockets[-1].recv()["rid"], 1)


if __name__ == "__main__":
    lib.main()
