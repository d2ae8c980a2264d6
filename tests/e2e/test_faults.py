# SPDX-License-Identifier: MIT
"""The promise of delivery under faults: every confirmed job gets exactly one final result, whoever is killed, stopped,
drained or emptied meanwhile. Random, with a printed seed (SOCKETHUB_SEED repeats one). What recovery took is printed,
not judged."""

import json
import os
import random
import signal
import threading
import time

import ledger
import lib
from ledger import job, note

UP = "sh:{0}:up:dummy"
QUEUE = "sh:{0}:q:dummy"


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


class Faults(lib.StackTest):
    def crew_stack(self, **kw):
        s = self.stack(start=False, **kw)
        s.start_redis()
        return s

    def book(self, s, **kw):
        kw.setdefault("seed", ledger.seed())
        return ledger.Ledger(s, **kw)

    def until_result(self, s, sid, timeout=30, after=None):
        """(seconds, messages) until something is in the outbox."""
        began = time.monotonic()
        _, messages = s.collect(sid, lambda m: m, after=after, timeout=timeout)
        return time.monotonic() - began, messages

    def worker_name(self, s, process):
        line = process.wait_event("worker.ready")[0]
        return line.split(" name=")[1].split()[0]


class WorkersKilled(Faults):
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


class WorkersStopped(Faults):
    def test_stopped_for_longer_than_its_heartbeat(self):
        """SIGSTOP until another has its jobs, then SIGCONT: what it sends late is dropped, messages included."""
        s = self.stack(platforms=["dummy"], workers=1)
        first = s.workers["dummy"][0]
        sid = s.register()
        jobs = [job("d%d" % i, "delay", ms=300) for i in range(20)] + [job("b%d" % i, "burst", n=30000)
                                                                        for i in range(2)]
        s.reconfigure({"limits": {"outbox": 200000}})
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


class Gateways(Faults):
    def test_killed_while_clients_wait(self):
        s = self.stack(platforms=["dummy"], gateways=2)
        doomed = s.gateways[0]
        book = self.book(s, sessions=4)
        streams = [StreamClient(s, s.register(), random.Random("%d-s%d" % (book.seed, i))) for i in range(4)]
        book.start(posters=2)
        rng = random.Random(book.seed)
        for round_ in range(4):
            for c in streams:
                c.post(40)
            time.sleep(rng.uniform(0.2, 1.0))  # the random moment
            doomed.kill()
            doomed = s.start_gateway(port=doomed.port)
        book.finish()
        book.check(self, duplicates=False)
        for c in streams:
            c.finish(self)
        note(book.told() + "; stream reconnects %d" % sum(c.reconnects for c in streams))
        self.assertGreater(sum(c.reconnects for c in streams), 3)

    def test_a_waiting_post_whose_gateway_dies(self):
        s = self.stack(platforms=["dummy"], gateways=2)
        sid = s.register(port=s.ports[1])
        answer = []

        def wait():
            try:
                answer.append(s.post(job("w", "delay", ms=1500), sid=sid, wait=30, port=s.ports[0]))
            except ledger.CLOSED as e:
                answer.append(e)
        t = threading.Thread(target=wait)
        t.start()
        lib.until("the job runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        s.gateways[0].kill()
        t.join(20)
        self.assertIsInstance(answer[0], ledger.CLOSED)
        _, found = s.collect(sid, lambda m: m, port=s.ports[1])
        self.assertEqual([(m["rid"], m["status"]) for m in found], [("w", True)])

    def test_drain(self):
        """Parked polls and streams end well, a waiting POST gets its confirmation, the exit is 0, in time."""
        s = self.stack(platforms=["dummy"], gateways=2, config={"drain_s": 10})
        sids = [s.register() for _ in range(3)]
        port = s.ports[0]
        answers = {}

        def run(name, call):
            answers[name] = call()
        stream = s.sse(sids[1], port=port)
        threads = [threading.Thread(target=run, args=a) for a in (
            ("poll", lambda: s.poll(sids[0], wait=60, port=port)),
            ("post", lambda: s.post(job("w", "delay", ms=3000), sid=sids[2], wait=60, port=port)))]
        for t in threads:
            t.start()
        lib.until("the job runs", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 1)
        lib.until("they wait", lambda: sum(n for _, n in zip(*[iter(s.redis(
            "PUBSUB", "NUMSUB", *s.redis("PUBSUB", "CHANNELS", "sh:{0}:o:*")))] * 2)) == 3)
        began = time.monotonic()
        self.assertEqual(s.gateways[0].stop(), 0)
        note("drained in %.2f s" % (time.monotonic() - began))
        self.assertLess(time.monotonic() - began, 10)
        for t in threads:
            t.join(10)
        self.assertEqual(answers["poll"][1], [])
        self.assertIsNone(stream.next_event(5), "the stream's end")
        self.assertEqual(answers["post"].replies, [{"rid": "w", "verb": "confirm", "status": True}])
        _, found = s.collect(sids[2], lambda m: m, port=s.ports[1])
        self.assertEqual([m["rid"] for m in found], ["w"])

    def test_reload_under_load(self):
        """SIGHUP: nothing confirmed is lost, and no connection is refused."""
        s = self.stack(platforms=["dummy"], supervised=True, gateways=2, config={"drain_s": 10})
        book = self.book(s, sessions=4, batch=6)
        book.start(posters=2)
        for i in range(2):
            book.wait_confirmed(len(book.confirmed) + 200)
            s.daemon.signal(signal.SIGHUP)
            s.daemon.wait_event("reload.done", count=i + 1, timeout=60)
        book.wait_confirmed(len(book.confirmed) + 100)
        book.finish()
        book.check(self, duplicates=False)
        note(book.told())
        self.assertNotIn("ConnectionRefusedError", book.refused)
        self.assertEqual(dict(book.refused), {}, "requests without an answer")


class StreamClient:
    """A client that reads a stream, and reconnects with its cursor to any gateway that answers."""

    def __init__(self, s, sid, rng):
        self.s, self.sid, self.rng = s, sid, rng
        self.events, self.posted, self.reconnects = [], [], -1
        self.errors = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            port = self.rng.choice(self.s.ports)
            last = self.events[-1].id if self.events else None
            try:
                stream = self.s.sse(self.sid, last_event_id=last, port=port, timeout=2)
                self.reconnects += 1
                if stream.status != 200:
                    raise OSError(stream.status)
                with stream:
                    self.read(stream)
            except ledger.CLOSED:
                time.sleep(0.02)

    def read(self, stream):
        while not self.over.is_set():
            event = stream.next_event()
            if event is None:
                return
            self.events.append(event)

    def post(self, n):
        """Confirmed, whatever it takes; a job whose request was not answered is posted again by another name."""
        for i in range(n):
            rid = "%s-%d" % (self.sid[:6], len(self.posted))
            self.posted.append([rid, False])
            try:
                posted = self.s.post(job(rid), sid=self.sid, port=self.rng.choice(self.s.ports))
                self.posted[-1][1] = posted.status == 200 and posted.replies[0]["status"]
            except ledger.CLOSED:
                pass

    def finish(self, test):
        due = [rid for rid, confirmed in self.posted if confirmed]
        lib.until("the stream's results", lambda: {e.data["rid"] for e in self.events} >= set(due), 30)
        self.over.set()
        self.thread.join(10)
        ids = [tuple(int(x) for x in e.id.split("-")) for e in self.events]
        test.assertEqual(ids, sorted(set(ids)), "each cursor once, in order")
        test.assertEqual(len({e.data["rid"] for e in self.events}), len(self.events))


class RedisFaults(Faults):
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
        stream = StreamClient(s, s.register(), random.Random(book.seed))
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
        settled = time.monotonic() + 7.5  # a worker takes nothing over before
        s.post([job(i, "delay", ms=20000) for i in range(30)], sid=sid)
        lib.until("the jobs run", lambda: s.redis("XPENDING", QUEUE, "w")[0] == 30)
        time.sleep(max(0, settled - time.monotonic()))
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
                lib.shutil.rmtree(os.path.join(s.dir, name))
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
