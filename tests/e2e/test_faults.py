# SPDX-License-Identifier: MIT
"""Workers are killed: every confirmed job gets exactly one final result.
Random, with a printed seed (SOCKETHUB_SEED repeats one). What recovery took is printed, not judged."""

import os
import random
import signal
import threading
import time

import ledger
import lib
from ledger import QUEUE, job, note


def with_crash(limit):
    """The usual mix and a few jobs that kill: not many, as jobs that see too many deaths run alone from then on."""
    left = [limit]

    def make(rng, rid):
        if left[0] > 0 and rng.random() < 0.005:
            left[0] -= 1
            return job(rid, "crash")
        return ledger.mixed(rng, rid)
    return make


def final_or_unknown(test, sent, result):
    if sent["verb"] == "crash":
        test.assertFalse(result["status"])
        test.assertIn(ledger.UNKNOWN, result["message"])
    else:
        ledger.plain(test, sent, result)


class Crew:
    """Keeps one worker alive, as sockethubd would: a successor knows its predecessor's name."""

    def __init__(self, stack, platform="dummy"):
        self.stack, self.platform = stack, platform
        self.deaths = 0
        self.name = None
        self.worker = None
        self.over = threading.Event()
        self.replace()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def replace(self):
        env = {"SOCKETHUB_WORKER_NAME": "w%d" % (self.deaths + 1)}
        if self.name:
            env["SOCKETHUB_WORKER_PREDECESSOR"] = self.name
        self.name = env["SOCKETHUB_WORKER_NAME"]
        self.worker = self.stack.start_worker(self.platform, env=env)

    def watch(self):
        while not self.over.wait(0.01):
            if self.worker.running():
                continue
            self.worker.asked = signal.SIGKILL  # by the test, or by its own verb
            self.deaths += 1
            self.replace()

    def end(self):
        self.over.set()
        self.thread.join()


class WorkersKilled(ledger.FaultTest):
    def test_by_the_test(self):
        s = self.crew_stack(platforms={"dummy": {"crash": True}}, gateways=2)
        crew = Crew(s)
        for _ in range(2):
            s.start_gateway()
        book = self.book(s, sessions=5, make=with_crash(12), pause=0.03)
        rng = random.Random(book.seed)
        book.start(posters=3)
        kills = 0
        end = time.monotonic() + 12
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.1, 1.5))  # the random moment
            crew.worker.signal(signal.SIGKILL)
            kills += 1
        book.finish()
        crew.end()
        book.check(self, final=final_or_unknown)
        crashes = sum(1 for rid in book.jobs if book.jobs[rid]["verb"] == "crash")
        note("%d kills, %d crash jobs, %d deaths; %s" % (kills, crashes, crew.deaths, book.told()))
        self.assertGreater(len(book.confirmed), 1000)
        self.assertGreater(crew.deaths, kills // 2)
        self.assertLessEqual(crew.deaths, kills + crashes, "a job that kills ran more than once")

    def test_under_sockethubd(self):
        s = self.stack(platforms={"dummy": {"crash": True}}, supervised=True)
        book = self.book(s, sessions=4, make=with_crash(4), pause=0.03)
        rng = random.Random(book.seed)
        book.start(posters=2)
        kills = 0
        end = time.monotonic() + 8
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.5, 1.5))  # the random moment
            for pid, words in lib.children(s.daemon.pid):
                if words[0].endswith("sockethub-worker"):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        book.finish()
        book.check(self, final=final_or_unknown)
        note("%d kills; %s" % (kills, book.told()))
        self.assertGreater(len(book.confirmed), 500)

    def test_how_long_recovery_takes(self):
        """A job that runs when its worker is killed: done by the successor, by a second worker, after a drain."""
        s = self.stack(platforms=["dummy"], supervised=True)
        sid = s.register()
        s.post(job("a", "delay", ms=200), sid=sid)
        lib.until("the job runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        for pid, words in lib.children(s.daemon.pid):
            if words[0].endswith("sockethub-worker"):
                os.kill(pid, signal.SIGKILL)
        took, found = self.until_result(s, sid)
        self.assertTrue(found[0]["status"])
        note("killed under sockethubd: done elsewhere after %.2f s" % (took - 0.2))
        s.close()

        s = self.stack(platforms=["dummy"], workers=2)
        sid = s.register()
        lib.until("both workers have seen each other", lambda: len(s.redis("KEYS", "sh:{0}:w:*")) == 2)
        s.post([job(i, "delay", ms=1500) for i in range(40)], sid=sid)
        lib.until("the jobs run", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 40)
        owners = dict(s.redis("XPENDING", QUEUE, "w")[3])
        victim = next(w for w in s.workers["dummy"] if self.worker_name(s, w).encode() in owners)
        victim.kill()
        began = time.monotonic()
        _, found = s.collect(sid, lambda m: len(m) >= 40, timeout=30)
        note("killed, a second worker lives: %.2f s" % (time.monotonic() - began - 1.5))
        self.assertEqual(sorted(m["rid"] for m in found), list(range(40)))
        self.assertTrue(all(m["status"] for m in found))

    def test_poison(self):
        """A job that was pending when three workers died runs alone; when that worker dies too it is given up."""
        s = self.crew_stack()
        crew = Crew(s)
        s.start_gateway()
        sid = s.register()
        s.post(job("poison", "delay", ms=30000), sid=sid)
        for lives in range(4):
            # XPENDING: [[id, consumer, idle, deliveries]]
            lib.until("delivery %d" % (lives + 1), lambda n=lives: any(
                row[3] == n + 1 and row[1] == crew.name.encode()
                for row in s.redis("XPENDING", QUEUE, "w", "-", "+", 10)))
            if lives == 3:
                lib.until("it is marked, because it runs alone", lambda: s.redis("HLEN", "sh:{0}:started:dummy") == 1)
            died = crew.deaths
            crew.worker.signal(signal.SIGKILL)
            lib.until("a successor", lambda n=died: crew.deaths > n)
        _, found = self.until_result(s, sid)
        crew.end()
        self.assertEqual([m["rid"] for m in found], ["poison"])
        self.assertFalse(found[0]["status"])
        self.assertIn("given up", found[0]["message"])
        self.assertEqual(s.redis("XLEN", "sh:{0}:buried:dummy"), 1)
        self.assertEqual(s.redis("XLEN", QUEUE), 0)
        self.assertEqual(s.post(job("next"), sid=sid, wait=10).replies[-1]["status"], True, "the others go on")


if __name__ == "__main__":
    lib.main()
