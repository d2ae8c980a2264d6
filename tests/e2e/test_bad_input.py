# SPDX-License-Identifier: MIT
"""Input that makes no sense, over HTTP and FastCGI: each has its documented answer, and the processes live on.

What a single job can have wrong is in replies.py; this file is for what goes beyond one job, and for chance."""

import json
import random
import socket
import struct

import client
import fcgi
import lib
import replies
from client import JSON

WORDS = ['"rid"', '"platform"', '"verb"', '"object"', '"target"', '"actor"', '"address"', '"dispatcher"', '"dummy"',
         '"ping"', '"register"', '"set"', '"echo"', '"timestamp"', '"credentials"', '"objectType"', '"sessionId"', "1",
         "-1", "1.5", "1e308", "1e999", "null", "true", "{", "}", "[", "]", ":", ",", '""', '"\\u0000"', '"\\ud834"',
         '"\u00e4"', "\xff", " ", "\n", '"', "\\"]


class BadInput(client.Problems, lib.StackTest):
    def setUp(self):
        self.s = replies.make(self, fastcgi=True, config={"limits": {"body_bytes": 300000}})

    def fronts(self):
        yield self.s.http
        yield lambda *args: fcgi.request(self.s.fastcgi_path, *args)

    def test_bodies(self):
        big = "9" * 100000
        deep = '{"a":' * 60 + "1" + "}" * 60
        for body, message in (
                (b"\xef\xbb\xbf{}", "invalid JSON received"), (b"\0", "invalid JSON received"),
                (b'{"rid":1}\0', "invalid JSON received"), (b"{}" * 1000, "invalid JSON received"),
                (b'{"rid":%s}' % big.encode(), "invalid JSON received"),
                (b'{"rid":1.%s,"platform":5}' % big.encode(), "no platform specified"),
                (b'{"rid":"%s","platform":5}' % big.encode(), "no platform specified"),
                (b'{"rid":1,"platform":"%s"}' % big.encode(), "no verb (action) specified"),
                (b'{"rid":1,"platform":"%s","verb":"x"}' % big.encode(), "unknown platform received: " + big),
                (b'{"rid":1,"platform":"dummy","verb":"%s"}' % big.encode(), "unknown verb received: " + big),
                (b"[" * 200000, "JSON nested deeper than 64 levels"),
                (b'{"a":' * 40000, "JSON nested deeper than 64 levels"),
                (b'"' + b"[" * 200000 + b'"', "no rid (request ID) specified"),
                (deep.encode(), "no rid (request ID) specified"),
                (b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(20000)) + b"}", "no rid (request ID) specified"),
                (b"-", "invalid JSON received"), (b"0x1", "invalid JSON received"), (b"NaN", "invalid JSON received"),
                (b"'a'", "invalid JSON received"), (b"{a:1}", "invalid JSON received"),
                (b"[1,]", "invalid JSON received"), (b"/**/1", "invalid JSON received"),
                (b'"\t"', "invalid JSON received"), (b'"\\x"', "invalid JSON received"),
                (b'"\xc0\xaf"', "invalid JSON received"), (b'"\xed\xa0\x80"', "invalid JSON received"),
                (b'"\xf4\x90\x80\x80"', "invalid JSON received")):
            for send in self.fronts():
                with self.subTest(body[:40]):
                    reply = send("POST", self.s.base, body, JSON)
                    self.assertEqual(200, reply.status)
                    self.assertEqual([message], [r["message"] for r in json.loads(reply.body)])

    def test_too_long(self):
        for send in self.fronts():
            self.problem(send("POST", self.s.base, b"[" * 300001, JSON), 413, "too-large")
            self.problem(send("POST", self.s.base, b'[{"rid":1}%s]' % (b",0" * 100), JSON), 413, "too-large",
                         "too many jobs in one request")

    def test_sessions_that_are_none(self):
        for send in self.fronts():
            for sid in ("x" * 22, "x", "%s%n%s%n", "..%2f..", "\u00e4".encode().decode("latin-1"), "a" * 3000):
                for method in ("GET", "POST", "DELETE"):
                    try:
                        reply = send(method, "%s/%s" % (self.s.base, sid), b"[]" if method == "POST" else b"", JSON)
                    except UnicodeEncodeError:
                        continue  # the client's library refuses
                    self.assertIn(reply.status, (400, 404))

    def test_both_fronts_say_the_same(self):
        sid = self.s.register()
        requests = [("GET", "/sockethub/%s?wait=0" % sid, b"", {}), ("GET", "/sockethub/%s?after=x" % sid, b"", {}),
                    ("PUT", "/sockethub", b"", {}), ("GET", "/sockethub", b"", {}), ("GET", "/x", b"", {}),
                    ("POST", "/sockethub", b"{}", {"Content-Type": "text/plain"}), ("POST", "/sockethub", b"{}", {}),
                    ("POST", "/sockethub/" + sid, b'{"rid":1}', JSON), ("OPTIONS", "/sockethub", b"", {}),
                    ("GET", "/sockethub/schema", b"", {}), ("GET", "/healthz", b"", {}),
                    ("GET", "/sockethub/%s" % sid, b"", {"Accept": "text/html"}),
                    ("POST", "/sockethub", b"{}", {"Origin": "https://evil.example", **JSON}),
                    ("DELETE", "/sockethub", b"", {"Authorization": "Bearer x"})]
        for request in requests:
            with self.subTest(request[:2]):
                answers = []
                for send in self.fronts():
                    reply = send(*request)
                    headers = {k: v for k, v in reply.headers.items() if k not in ("date", "connection")}
                    answers.append((reply.status, headers, reply.body))
                self.assertEqual(answers[0], answers[1])

    def test_chance(self):
        """Random sequences of words: always 200 and an array of replies that are objects with a boolean status."""
        seed = random.SystemRandom().randrange(1 << 32)
        chance = random.Random(seed)
        with self.subTest("seed %d" % seed):
            for _ in range(400):
                body = "".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 40))).encode("latin-1", "replace")
                reply = self.s.http("POST", self.s.base, body, JSON)
                self.assertEqual(200, reply.status, body)
                for r in json.loads(reply.body):
                    self.assertIsInstance(r["status"], bool, body)

    def test_mutations(self):
        """Rows of the table with a few bytes changed."""
        seed = random.SystemRandom().randrange(1 << 32)
        chance = random.Random(seed)
        sid = self.s.register()
        rows = [row.request for row in replies.ROWS if row.request and len(row.request) < 2000]
        with self.subTest("seed %d" % seed):
            for _ in range(600):
                body = bytearray(chance.choice(rows))
                for _ in range(chance.randrange(1, 4)):
                    at = chance.randrange(len(body))
                    body[at:at + chance.randrange(0, 3)] = chance.choice((b"", b'"', b"{", b"0", b"\xff", b",", b"[]"))
                    body = body or bytearray(b" ")
                reply = self.s.http("POST", "%s/%s" % (self.s.base, sid), bytes(body), JSON)
                self.assertEqual(200, reply.status, body)
                for r in json.loads(reply.body):
                    self.assertIsInstance(r["status"], bool, body)

    def test_fastcgi_garbage(self):
        begin = struct.pack(">BBHHBB", 1, 1, 1, 8, 0, 0) + struct.pack(">HB5x", 1, 0)
        for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100000, begin, begin + begin,
                        begin + struct.pack(">BBHHBB", 1, 4, 1, 4, 0, 0) + b"\xff\xff\xff\xff",
                        begin + struct.pack(">BBHHBB", 1, 5, 1, 65535, 255, 0),
                        struct.pack(">BBHHBB", 1, 9, 0, 0, 0, 0), struct.pack(">BBHHBB", 1, 200, 0, 0, 0, 0),
                        struct.pack(">BBHHBB", 2, 1, 1, 8, 0, 0)):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(self.s.fastcgi_path)
                try:
                    sock.sendall(garbage)
                except ConnectionError:
                    pass  # it hung up at once
        self.assertEqual(200, fcgi.request(self.s.fastcgi_path, "GET", "/healthz").status)


if __name__ == "__main__":
    lib.main()
