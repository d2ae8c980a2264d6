# SPDX-License-Identifier: MIT
"""Redis is killed, hangs, loses connections and its data: every confirmed job gets exactly one final result.
Random, with a printed seed (SOCKETHUB_SEED repeats one). What recovery took is printed, not judged."""

import json
import os
import random
import shutil
import signal
import threading
import time

import ledger
import lib
from ledger import QUEUE, job, note


class RedisFaults(ledger.FaultTest):
    def restart(self, s):
        s.redis.kill()
        s.redis.start()

    def test_killed_and_restarted(self):
        s = self.stack(platforms=["dummy"], gateways=2, workers=2)
        book = self.book(s, sessions=4)
        rng = random.Random(book.seed)
        book.start(posters=3)
        longest = 0
        for _ in range(5):
            book.wait_confirmed(len(book.confirmed) + 150)
            time.sleep(rng.uniform(0, 0.5))  # the random moment
            self.restart(s)
            began, n = time.monotonic(), len(book.confirmed)
            book.wait_confirmed(n + 1)
            longest = max(longest, time.monotonic() - began)
        book.finish()
        book.check(self)
        note("%s; first confirmation at most %.2f s after the restart" % (book.told(), longest))
        self.assertGreater(len(book.confirmed), 800)

    def test_connections_cut(self):
        """The connections drop and Redis goes on: parked clients get what came meanwhile."""
        s = self.stack(platforms=["dummy"], workers=2)
        book = self.book(s, sessions=4)
        stream = ledger.StreamClient(s, s.register(), random.Random(book.seed))
        rng = random.Random(book.seed)
        book.start(posters=2)
        for _ in range(12):
            time.sleep(rng.uniform(0, 0.4))  # the random moment
            for kind in rng.sample(["normal", "pubsub"], rng.randrange(1, 3)):
                s.redis("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            stream.post(5)
        book.finish()
        book.check(self)
        stream.finish(self)
        note(book.told())

    def test_hangs(self):
        """SIGSTOP: requests are refused within a bounded time; SIGCONT: all goes on. No job is run by two workers."""
        s = self.stack(platforms=["dummy"], workers=2)
        sid = s.register()
        waiting = []

        def collect():
            cursor = None
            while {"runs", "after"} - set(waiting):
                reply = s.http("GET", "%s/%s?wait=2%s" % (s.base, sid, "&after=" + cursor if cursor else ""))
                if reply.status == 200:
                    document = json.loads(reply.body)
                    cursor = document["cursor"]
                    waiting.extend(m["rid"] for m in document["messages"])
                else:
                    self.assertEqual(reply.status, 503)
                    time.sleep(0.1)
        t = threading.Thread(target=collect, daemon=True)
        t.start()
        s.post(job("runs", "delay", ms=2000), sid=sid)
        lib.until("the job runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        s.redis.process.signal(signal.SIGSTOP)
        began = time.monotonic()
        self.assertEqual(s.post(job("hangs"), sid=sid).status, 503)
        first = time.monotonic() - began
        began = time.monotonic()
        self.assertEqual(s.post(job("hangs too"), sid=sid).status, 503)
        note("503 after %.1f s, the next after %.2f s" % (first, time.monotonic() - began))
        self.assertLess(first, 15)
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(s.http("GET", "/readyz").status, 503)
        self.assertEqual(s.http("GET", "/healthz").status, 200)
        s.redis.process.signal(signal.SIGCONT)
        began = time.monotonic()

        def works():
            posted = s.post(job("after"), sid=sid)
            return posted.status == 200 and posted.replies[0]["status"]
        lib.until("it takes jobs again", works, 20)
        note("takes jobs %.2f s after SIGCONT" % (time.monotonic() - began))
        t.join(60)
        self.assertFalse(t.is_alive(), "the client got %r" % waiting)
        self.assertEqual([waiting.count(rid) for rid in ("runs", "after")], [1, 1])
        s.redis.process.asked = None

    def test_hangs_shortly(self):
        """For longer than heartbeats last and shorter than connections do: nobody is taken for dead."""
        s = self.stack(platforms=["dummy"], workers=3)
        sid = s.register()
        for w in s.workers["dummy"]:
            w.wait_event("worker.ready")
        time.sleep(7.5)  # a worker takes nothing over before it has seen the others' heartbeats for a while
        s.post([job(i, "delay", ms=9000) for i in range(30)], sid=sid)
        lib.until("the jobs run", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 30)
        s.redis.hang_up()
        s.redis.process.signal(signal.SIGSTOP)
        time.sleep(7.5)  # the fault itself: between 6 s and 10 s
        s.redis.process.signal(signal.SIGCONT)
        _, found = s.collect(sid, lambda m: len(m) >= 30, timeout=40)
        self.assertEqual(sorted(m["rid"] for m in found), list(range(30)))
        self.assertEqual([w.events("jobs.taken-over") for w in s.workers["dummy"]], [[], [], []])
        s.redis.process.asked = None

    def test_restarted_empty(self):
        """Its data is lost: old sessions are unknown, new ones work, nothing has to be restarted."""
        s = self.stack(platforms=["dummy"], gateways=2)
        old = s.register()
        self.assertTrue(s.post(job(1), sid=old, wait=10).replies[-1]["status"])
        answers = []
        t = threading.Thread(target=lambda: answers.append(s.http("GET", "%s/%s?wait=60" % (s.base, old))))
        t.start()
        s.post(job(2, "delay", ms=4000), sid=old)
        lib.until("the job runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        s.redis.kill()
        for name in os.listdir(s.dir):
            if name.startswith("appendonly"):
                shutil.rmtree(os.path.join(s.dir, name))
        s.redis.start()
        began = time.monotonic()
        s.wait_ready(s.ports[0])
        s.wait_ready(s.ports[1])
        for port in s.ports:
            self.assertEqual(s.http("GET", "%s/%s?wait=0" % (s.base, old), port=port).status, 404)
        t.join(20)
        self.assertIn(answers[0].status, (404, 503), "the parked poll")
        new = s.register()
        posted = s.post(job(3), sid=new, wait=20)
        self.assertTrue(posted.replies[-1]["status"])
        self.assertEqual(len(posted.replies), 2)
        note("a new session's job done %.2f s after the restart" % (time.monotonic() - began))
        self.assertEqual(s.http("GET", "%s/%s?wait=6" % (s.base, old)).status, 404, "the old job's result is nobody's")


if __name__ == "__main__":
    lib.main()
