# SPDX-License-Identifier: MIT
"""Workers are stopped, drained, or absent: every confirmed job gets exactly one final result, and what may not run
twice does not. What recovery took is printed, not judged."""

import signal
import time

import ledger
import lib
from ledger import QUEUE, job, note

UP = "sh:{0}:up:dummy"


class WorkersStopped(ledger.FaultTest):
    def test_stopped_for_longer_than_its_heartbeat(self):
        """SIGSTOP until another has its jobs, then SIGCONT: what it sends late is dropped, messages included."""
        s = self.stack(platforms=["dummy"], workers=1, config={"limits": {"outbox": 200000}})
        first = s.workers["dummy"][0]
        sid = s.register()
        jobs = [job("d%d" % i, "delay", ms=300) for i in range(20)] + [job("b%d" % i, "burst", n=30000)
                                                                        for i in range(2)]
        s.start_worker("dummy").wait_event("worker.ready")
        second = s.workers["dummy"][1]
        second.signal(signal.SIGSTOP)  # so that the first gets them all
        s.post(jobs, sid=sid)
        lib.until("they run", lambda: s.redis("XPENDING", QUEUE, "w")[0] > 0)
        first.signal(signal.SIGSTOP)
        second.signal(signal.SIGCONT)
        began = time.monotonic()
        taken = second.wait_event("jobs.taken-over", timeout=30)
        note("taken over %.1f s after SIGSTOP" % (time.monotonic() - began))
        first.signal(signal.SIGCONT)
        cursor, found = s.collect(sid, lambda m: sum("rid" in x for x in m) >= len(jobs), timeout=60)
        _, late = s.poll(sid, cursor, wait=2)
        self.assertEqual(late, [], "after the last result")
        results = [m["rid"] for m in found if "rid" in m]
        self.assertEqual(sorted(results), sorted(j["rid"] for j in jobs))
        self.assertTrue(taken)
        for b in ("b0", "b1"):
            got = [m["object"]["i"] for m in found if "rid" not in m and m["actor"]["address"] == b]
            self.assertEqual(list(dict.fromkeys(got)), list(range(30000)))
            restarts = sum(1 for x, y in zip(got, got[1:]) if y != x + 1)
            self.assertLessEqual(restarts, 1, "two workers' messages mixed")
        for w in (first, second):
            w.signal(signal.SIGTERM)
            self.assertEqual(w.wait(), 0)

    def test_a_job_that_may_not_run_twice(self):
        """Stopped after it took the job and before it marked it: another runs it, the first must not."""
        s = self.stack(platforms={"dummy": {"crash": True}}, workers=1)
        first = s.workers["dummy"][0]
        name = self.worker_name(s, first)
        sid = s.register()
        first.signal(signal.SIGSTOP)
        # What the worker would have done, had it been stopped a moment later: the entry is its own, not marked.
        s.post(job("k", "crash"), sid=sid)
        s.redis("XREADGROUP", "GROUP", "w", name, "STREAMS", QUEUE, ">")
        s.redis("DEL", "sh:{0}:w:dummy:" + name)
        second = s.start_worker("dummy")
        second.wait_event("jobs.taken-over", timeout=30)
        second.asked = signal.SIGKILL  # the job kills it
        self.assertEqual(second.wait(), -signal.SIGKILL)
        first.signal(signal.SIGCONT)
        took, found = self.until_result(s, sid)
        self.assertEqual([(m["rid"], m["status"]) for m in found], [("k", False)])
        self.assertIn(ledger.UNKNOWN, found[0]["message"])
        self.assertTrue(first.running())
        first.stop()

    def test_a_job_read_again_is_not_started_by_who_lost_it(self):
        """A worker's own history names a job that another holds by now: nobody but the holder starts it."""
        s = self.stack(platforms={"dummy": {"crash": True}}, workers=1)
        first = s.workers["dummy"][0]
        name = self.worker_name(s, first)
        sid = s.register()
        # Stopped with the job's bytes in its socket: the read has been answered, and it has not seen it yet.
        first.signal(signal.SIGSTOP)
        s.post(job("k", "crash"), sid=sid)
        lib.until("it was given to the stopped one", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        entry = s.redis("XPENDING", QUEUE, "w", "-", "+", 1)[0][0]
        s.redis("XCLAIM", QUEUE, "w", "another", 0, entry)
        s.redis("SET", "sh:{0}:w:dummy:another", 1, "EX", 100)
        before = s.redis("HLEN", "sh:{0}:started:dummy")
        first.signal(signal.SIGCONT)
        # A job behind it is done: the first one was dealt with.
        self.assertTrue(s.post(job("next"), sid=sid, wait=20).replies[-1]["status"])
        self.assertTrue(first.running(), "it ran another's job")
        self.assertEqual(s.redis("HLEN", "sh:{0}:started:dummy"), before)
        self.assertEqual(s.redis("XPENDING", QUEUE, "w", "-", "+", 1)[0][1], b"another")
        # The holder dies: then it is the first one's turn, once.
        s.redis("DEL", "sh:{0}:w:dummy:another")
        first.asked = signal.SIGKILL
        self.assertEqual(first.wait(), -signal.SIGKILL, "the new holder runs it")
        self.assertIsNotNone(name)
        s.start_worker("dummy")
        _, found = self.until_result(s, sid)
        self.assertEqual([(m["rid"], m["status"]) for m in found], [("k", False)])
        self.assertIn(ledger.UNKNOWN, found[0]["message"])

    def test_drain_finishes_what_runs(self):
        s = self.stack(platforms=["dummy"], workers=1, config={"drain_s": 20})
        first = s.workers["dummy"][0]
        sid = s.register()
        s.post([job(i, "delay", ms=700) for i in range(50)], sid=sid)
        lib.until("they run", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 50)
        began = time.monotonic()
        self.assertEqual(first.stop(), 0)
        note("drained in %.2f s" % (time.monotonic() - began))
        _, found = s.poll(sid, wait=0)
        self.assertEqual(sorted(m["rid"] for m in found), list(range(50)))
        self.assertTrue(all(m["status"] for m in found))
        marks = [s.redis("GET", k) for k in s.redis("KEYS", "sh:{0}:w:*")]
        self.assertEqual(marks, [b"left"], "it said good-bye")

    def test_drain_leaves_the_rest_to_others(self):
        """What does not end in time stays pending, and is done by the next one."""
        s = self.stack(platforms=["dummy"], workers=1, config={"drain_s": 1})
        first = s.workers["dummy"][0]
        sid = s.register()
        s.post(job("long", "delay", ms=2500), sid=sid)
        lib.until("it runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        self.assertEqual(first.stop(), 0)
        s.start_worker("dummy")
        took, found = self.until_result(s, sid)
        note("left by a drain, done by a new worker: %.1f s" % (took - 2.5))
        self.assertEqual([(m["rid"], m["status"]) for m in found], [("long", True)])

    def test_no_worker(self):
        """Refused once nobody is up; what was queued before is answered with a failure after limits.queue_wait_s."""
        s = self.stack(platforms=["dummy"], config={"limits": {"queue_wait_s": 2}})
        sid = s.register()
        s.workers["dummy"][0].kill()
        self.assertTrue(s.post(job("queued"), sid=sid).replies[0]["status"], "nobody has noticed yet")
        s.redis("DEL", UP)
        reply = s.post(job("refused"), sid=sid).replies[0]
        self.assertEqual((reply["verb"], reply["status"]), ("confirm", False))
        self.assertIn("no worker", reply["message"])
        took, found = self.until_result(s, sid)
        note("answered %.1f s after the queue was given up" % took)
        self.assertEqual([(m["rid"], m["status"]) for m in found], [("queued", False)])
        self.assertIn("no worker came", found[0]["message"])
        lib.until("/readyz tells", lambda: s.http("GET", "/readyz").status == 503)
        s.start_worker("dummy")
        s.wait_ready()
        self.assertTrue(s.post(job("again"), sid=sid, wait=10).replies[-1]["status"])


if __name__ == "__main__":
    lib.main()
