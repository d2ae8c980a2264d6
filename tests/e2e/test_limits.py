# SPDX-License-Identifier: MIT
"""Every bound of the configuration, from the client's side: a clear answer at once, and nothing half done."""

import json
import select
import socket
import time

import client
import fcgi
import lib
import replies
from client import JSON, Background, is_result, job

PING = {"rid": 1, "platform": "dispatcher", "verb": "ping", "timestamp": 1}
REGISTER = {"rid": 0, "platform": "dispatcher", "verb": "register", "object": {"secret": lib.SECRET}}
OVERFLOW = "the outbox is full: the messages of this job were not kept; read your messages first"


def post(s, jobs, sid=None, query=""):
    """The raw Reply of a POST."""
    return s.http("POST", s.base + ("/" + sid if sid else "") + query, json.dumps(jobs), JSON)


class Limits(client.Problems, lib.StackTest):
    def test_jobs_per_request(self):
        s = self.stack(config={"limits": {"jobs_per_request": 5, "jobs_per_s": 5}})
        sid = s.register()
        self.problem(post(s, [PING] * 6, sid), 413, "too-large", "too many jobs in one request")
        # Registering took one of the five that may come at once.
        reply = lib.until("five again", lambda: (r := post(s, [PING] * 5, sid)).status == 200 and r)
        self.assertEqual(10, len(json.loads(reply.body)))
        self.problem(post(s, [5] * 6), 413, "too-large")

    def test_jobs_per_s(self):
        s = self.stack(config={"limits": {"jobs_per_request": 10, "jobs_per_s": 2}})
        sid = s.register()
        self.assertEqual(200, post(s, [PING] * 9, sid).status)
        reply = post(s, [job(i, "echo") for i in range(10)], sid)
        self.problem(reply, 429, "rate", "too many jobs, slow down")
        self.assertIn(int(reply.headers["retry-after"]), range(1, 6))
        # Nothing of the request was carried out, and other sessions do not suffer.
        self.assertEqual([], s.poll(sid, wait=1)[1])
        self.assertEqual(200, post(s, [REGISTER] + [PING] * 9).status)
        wait = int(post(s, [PING] * 5, sid).headers.get("retry-after", 0))
        self.assertGreater(wait, 0)
        end = time.monotonic() + wait + 0.2
        lib.until("the time named", lambda: time.monotonic() > end)
        self.assertEqual(200, post(s, [PING] * 5, sid).status)

    def test_credentials_count_as_jobs(self):
        s = replies.make(self, config={"limits": {"jobs_per_request": 4, "jobs_per_s": 4}})
        sid = s.register()

        def many(n):
            return {"rid": 1, "platform": "dispatcher", "verb": "set", "target": {"platform": "vault"}, "object": {
                "credentials": {"a%d" % i: {"user": "u", "password": "p"} for i in range(n)}}}
        self.problem(post(s, many(5), sid), 413, "too-large")
        self.assertEqual(200, lib.until("enough tokens", lambda: (r := post(s, many(4), sid)).status == 200 and r).status)

    def test_sessions(self):
        s = self.stack(config={"limits": {"sessions": 3}})
        sids = [s.register() for _ in range(3)]
        reply = post(s, [REGISTER])
        self.problem(reply, 503, "sessions-full")
        self.assertEqual("1", reply.headers["retry-after"])
        self.assertNotIn("sockethub-session", reply.headers)
        self.assertEqual(200, post(s, [PING], sids[0]).status)
        self.assertEqual(204, s.http("DELETE", "%s/%s" % (s.base, sids[1])).status)
        self.assertEqual(200, post(s, [REGISTER]).status)

    def test_queue(self):
        s = self.stack(config={"limits": {"queue": 4}, "platforms": {"dummy": {"concurrency": 2}}})
        sid = s.register()
        held = [job(i, "delay", ms=60000) for i in range(3)]
        self.assertEqual(3, len(s.post(held, sid=sid).replies))
        reply = post(s, [PING, job(8, "echo"), job(9, "echo")], sid)
        self.problem(reply, 503, "queue-full", "the queue is full, try again later")
        self.assertEqual("1", reply.headers["retry-after"])
        self.assertEqual([], s.poll(sid, wait=0)[1])
        self.assertEqual(200, post(s, [job(9, "delay", ms=60000)], sid).status)  # what fits is taken
        self.problem(post(s, job(10, "echo"), s.register()), 503, "queue-full")
        self.assertEqual(200, post(s, [PING], sid).status)

    def test_outbox(self):
        s = self.stack(config={"limits": {"outbox": 16}})
        sid = s.register()
        # The messages do not fit: the job fails, and says why.
        posted = s.post(job(1, "burst", n=17), sid=sid, wait=20)
        self.assertEqual((False, OVERFLOW), (posted.replies[-1]["status"], posted.replies[-1]["message"]))
        self.assertEqual([], s.poll(sid, wait=0)[1])
        # A result always fits.
        self.assertTrue(s.post(job(2, "burst", n=16), sid=sid, wait=20).replies[-1]["status"])
        reply = post(s, job(3, "echo"), sid)
        self.problem(reply, 429, "outbox-full")
        self.assertEqual("1", reply.headers["retry-after"])
        self.assertEqual(200, post(s, PING, sid).status)  # needs no room
        cursor, messages = s.poll(sid, wait=0)
        self.assertEqual(list(range(16)), [m["object"]["i"] for m in messages])
        self.assertEqual([], s.poll(sid, cursor, wait=0)[1])
        self.assertTrue(s.post(job(4, "echo"), sid=sid, wait=20).replies[-1]["status"])

    def test_outbox_is_bounded(self):
        """Messages that come over several turns: the client is told, and not for ever."""
        s = self.stack(config={"limits": {"outbox": 16}})
        sid = s.register()
        self.assertEqual("burst", s.post(job(1, "burst", n=20000), sid=sid, wait=30).replies[-1]["verb"])
        messages = s.poll(sid, wait=0, limit=1000)[1]
        self.assertEqual(("error", False, "dummy"), tuple(messages[0][k] for k in ("verb", "status", "platform")))
        self.assertIn("the outbox is full", messages[0]["object"]["text"])
        self.assertLessEqual(len(messages), 33)

    def test_outbox_results_that_nobody_reads(self):
        s = self.stack(config={"limits": {"outbox": 16}})
        sid = s.register()
        self.assertEqual(200, post(s, [job(i, "echo") for i in range(40)], sid).status)
        messages = s.collect(sid, lambda m: len(m) >= 40)[1]
        self.assertEqual(set(range(40)), {m["rid"] for m in messages})

    def test_outbox_and_a_client_that_reads_on(self):
        """Many times the bound, with a client that polls or listens all the while: the job may fail when it is faster
        than the client, but it is answered and the session goes on."""
        s = self.stack(config={"limits": {"outbox": 64}})
        sid = s.register()
        with s.sse(sid) as stream:
            s.post(job(1, "burst", n=1000), sid=sid)
            events = []
            while not events or "rid" not in events[-1].data:
                events.append(stream.next_event())
            numbers = [e.data["object"]["i"] for e in events[:-1] if e.data["verb"] == "burst"]
            self.assertEqual(sorted(set(numbers)), numbers)
            told = [e.data for e in events if e.data["status"] is False]
            self.assertTrue(len(numbers) == 1000 or told)
            s.post(job(2, "echo"), sid=sid)
            self.assertTrue(is_result(stream.next_event().data, 2) or not events[-1].data["status"])

    def test_body_bytes(self):
        s = self.stack(config={"limits": {"body_bytes": 2000}}, fastcgi=True)
        fits = b'{"rid":"%s"}' % (b"x" * 1990)
        self.assertEqual(2000, len(fits))
        for body, status in ((fits, 200), (fits + b" ", 413), (b"x" * 100000, 413)):
            for send in (s.http, lambda *a: fcgi.request(s.fastcgi_path, *a)):
                with self.subTest(len(body)):
                    reply = send("POST", s.base, body, JSON)
                    self.assertEqual(status, reply.status)
                    if status == 413:
                        self.problem(reply, 413, "too-large", "the request is larger than allowed")
        # Chunked, the size is known when it is too late.
        for size in (2001, 5000, 50000):
            with socket.create_connection(("127.0.0.1", s.port), timeout=20) as sock:
                sock.sendall(b"POST /sockethub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size))
                self.assertIn(b" 413 ", sock.makefile("rb").readline())

    def test_open_requests_over_fastcgi(self):
        s = self.stack(config={"limits": {"connections": 16}}, fastcgi=True)
        sid = s.register()
        calls = [fcgi.Call(s.fastcgi_path, "GET", "%s/%s?wait=30" % (s.base, sid)) for _ in range(17)]
        # Whichever came last; the others wait.
        over, = lib.until("a refusal", lambda: [c for c in calls if select.select([c.sock], [], [], 0)[0]])
        reply = over.reply()
        self.problem(reply, 503, "busy")
        self.assertEqual("1", reply.headers["retry-after"])
        calls.remove(over)
        self.assertEqual([], select.select([c.sock for c in calls], [], [], 0.2)[0])
        for call in calls:
            call.close()
        lib.until("room", lambda: fcgi.request(s.fastcgi_path, "GET", "/healthz").status == 200)

    def test_message_bytes(self):
        s = self.stack(config={"limits": {"message_bytes": 65536, "body_bytes": 200000}})
        posted = s.post(job(1, "echo", text="x" * 70000), sid=s.register(), wait=20)
        self.assertEqual((False, "the result was larger than limits.message_bytes"),
                         (posted.replies[-1]["status"], posted.replies[-1]["message"]))

    def test_job_timeout(self):
        s = self.stack(platforms={"dummy": {"job_timeout_s": 1}})
        posted = s.post(job(1, "delay", ms=30000), sid=s.register(), wait=20)
        self.assertEqual(("confirm", False), (posted.replies[0]["verb"], posted.replies[1]["status"]))
        self.assertEqual("the job was not done in the time it had (platforms.dummy.job_timeout_s)",
                         posted.replies[1]["message"])


class Expiry(client.Problems, lib.StackTest):
    def gone(self, s, sid):
        return s.http("POST", "%s/%s" % (s.base, sid), b'{"rid":1}', JSON).status == 404

    def test_times_to_live(self):
        s = self.stack(config={"session": {"ttl_s": 5, "unregistered_ttl_s": 2}}, fastcgi=True)
        waits, quiet = s.register(), s.register()
        streams = s.register()
        stranger = s.post({"rid": 1}).sid
        began = time.monotonic()
        poll = Background(s.poll, waits, wait=11)
        stream = s.sse(streams, timeout=30)
        # Looking is a sign of life, so each is looked at once, when its time should be over.
        lib.until("2 s", lambda: time.monotonic() > began + 2.2)
        self.assertTrue(self.gone(s, stranger))
        lib.until("5 s", lambda: time.monotonic() > began + 5.5)
        for method in ("POST", "GET", "DELETE"):
            reply = s.http(method, "%s/%s" % (s.base, quiet), b"[]" if method == "POST" else None, JSON)
            self.problem(reply, 404, "no-session", "unknown or expired session")
        self.problem(fcgi.request(s.fastcgi_path, "GET", "%s/%s" % (s.base, quiet)), 404, "no-session")
        # Who waits lives.
        self.assertEqual([], poll.result()[1])
        self.assertGreater(time.monotonic(), began + 10)
        self.assertEqual(2, len(s.post(PING, sid=waits).replies))
        s.post(job(1, "echo"), sid=streams)
        self.assertTrue(is_result(stream.next_event().data, 1))
        stream.close()
        # Of the others nothing is left in Redis.
        for sid in (waits, streams):
            self.assertEqual(204, s.http("DELETE", "%s/%s" % (s.base, sid)).status)
        lib.until("nothing is left", lambda: not [k for k in s.redis("KEYS", "*") if b":s:" in k or b":p:" in k])

    def test_deleted_before_the_janitor_comes(self):
        """Its time is over: it is as unknown as to the other methods, and goes all the same."""
        s = self.stack()
        sid = s.register()
        key, = s.redis("KEYS", "*:s:*")
        s.redis("HSET", key, "x", 1)
        self.problem(s.http("DELETE", "%s/%s" % (s.base, sid)), 404, "no-session")
        self.assertEqual([], s.redis("KEYS", "*:s:*"))

    def test_a_poll_ends_with_its_session(self):
        """Expired by another's clock: here the test plays the janitor."""
        s = self.stack()
        sid = s.register()
        poll = Background(s.http, "GET", "%s/%s?wait=30" % (s.base, sid))
        lib.until("it waits", lambda: s.redis("PUBSUB", "CHANNELS", "*:o:*"))
        for key in s.redis("KEYS", "*sessions"):
            for h in s.redis("ZRANGE", key, 0, -1):
                s.redis("ZADD", key, 1, h)
        self.problem(poll.result(), 404, "no-session")


if __name__ == "__main__":
    lib.main()
