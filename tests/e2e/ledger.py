# SPDX-License-Identifier: MIT
"""ledger - clients that keep books: threads post jobs and write down which were confirmed, others collect what comes.

    book = ledger.Ledger(stack, sessions=4, seed=ledger.seed())
    book.start(posters=3)
    ... break things ...
    book.finish()           # no more jobs; waits until every confirmed job has its result
    book.check(self)        # exactly one each; messages before their result, in order

A job's rid is also its actor's address, so that messages, which carry no rid, can be told apart. A request that was not
answered with 200 confirms nothing: its jobs may have results or not, but never two."""

import collections
import http.client
import os
import random
import sys
import threading
import time

import lib

UNKNOWN = "may or may not have taken effect"
CLOSED = (OSError, http.client.HTTPException)


def seed():
    """From the environment (SOCKETHUB_SEED) or a new one; printed, so that a run can be repeated."""
    value = int(os.environ.get("SOCKETHUB_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
    sys.stderr.write("seed %d " % value)
    return value


QUEUE = "sh:{0}:q:dummy"


def note(text):
    sys.stderr.write("[%s] " % text)
    sys.stderr.flush()


def job(rid, verb="echo", **members):
    return {"rid": rid, "platform": "dummy", "verb": verb, "actor": {"address": str(rid)}, "object": members}


def mixed(rng, rid):
    """A job of the usual mix; none of it kills."""
    roll = rng.random()
    if roll < 0.6:
        return job(rid, "echo", text="x" * rng.randrange(200))
    if roll < 0.8:
        return job(rid, "delay", ms=rng.randrange(60))
    if roll < 0.9:
        return job(rid, "fail", text="as asked")
    return job(rid, "burst", n=rng.randrange(1, 130))


class Session:
    """What one session got, in the order in which it came; `cursor` is where its client stands."""

    def __init__(self, sid):
        self.sid = sid
        self.cursor = None
        self.cursors = 0
        self.messages = []


class Ledger:
    """make(rng, rid) makes a job; ports(): the gateways to use at the moment (default: all of the stack's)."""

    def __init__(self, stack, sessions=4, seed=1, make=mixed, ports=None, batch=12, pause=0.0):
        self.stack = stack
        self.make, self.batch, self.pause, self.seed = make, batch, pause, seed
        self.ports = ports or (lambda: stack.ports)
        self.lock = threading.Lock()
        self.jobs = {}  # rid: the job, whatever became of its request
        self.confirmed = {}  # rid: when
        self.arrived = {}  # rid: when its result was collected
        self.refused = collections.Counter()  # status or exception name: requests
        self.stop_posting = threading.Event()
        self.stop_collecting = threading.Event()
        self.errors = []
        self.threads = []
        self.posters = []
        self.sessions = [Session(stack.register()) for _ in range(sessions)]

    # --- the clients ---

    def _post(self, rng, session, jobs):
        with self.lock:
            self.jobs.update((j["rid"], j) for j in jobs)
        try:
            posted = self.stack.post(jobs, sid=session.sid, port=rng.choice(self.ports()))
        except CLOSED as e:
            self.refused[type(e).__name__] += 1
            return False
        if posted.status != 200:
            self.refused["%d %s" % (posted.status, posted.replies["code"])] += 1
            return False
        if [r["rid"] for r in posted.replies] != [j["rid"] for j in jobs]:
            raise AssertionError("replies out of order: %r" % (posted.replies,))
        with self.lock:
            for reply in posted.replies:
                if reply["status"]:
                    self.confirmed[reply["rid"]] = time.monotonic()
                else:
                    self.refused[reply["message"]] += 1
        return True

    def _poster(self, number):
        rng = random.Random("%d-%d" % (self.seed, number))
        count = 0
        while not self.stop_posting.is_set():
            session = rng.choice(self.sessions)
            jobs = []
            for _ in range(rng.randrange(1, self.batch)):
                jobs.append(self.make(rng, "%d-%d" % (number, count)))
                count += 1
            if not self._post(rng, session, jobs):
                time.sleep(0.02)  # as a client would, before the next attempt
            if self.pause:
                time.sleep(self.pause)

    def _collector(self, number, session):
        rng = random.Random("%d-c%d" % (self.seed, number))
        while not self.stop_collecting.is_set():
            try:
                cursor, messages = self._poll(rng, session)
            except CLOSED:
                time.sleep(0.02)
                continue
            if cursor is None:
                time.sleep(0.02)
                continue
            session.cursor = cursor
            session.cursors += 1
            session.messages += messages
            now = time.monotonic()
            with self.lock:
                for message in messages:
                    if "rid" in message:
                        self.arrived.setdefault(message["rid"], now)

    def _poll(self, rng, session):
        reply = self.stack.http("GET", "%s/%s?wait=1&limit=%d%s" % (
            self.stack.base, session.sid, rng.choice((7, 100, 1000)),
            "&after=" + session.cursor if session.cursor else ""), port=rng.choice(self.ports()), timeout=30)
        if reply.status == 503:
            return None, None
        if reply.status != 200:
            raise AssertionError("poll: %d %r" % (reply.status, reply.body))
        document = lib.json.loads(reply.body)
        return document["cursor"], document["messages"]

    def _run(self, target, *args):
        try:
            target(*args)
        except BaseException as e:  # told by check(): a thread cannot fail a test
            self.errors.append("%s: %r" % (target.__name__, e))

    def _thread(self, target, *args):
        t = threading.Thread(target=self._run, args=(target, *args), daemon=True)
        self.threads.append(t)
        t.start()
        return t

    def start(self, posters=3):
        for i, session in enumerate(self.sessions):
            self._thread(self._collector, i, session)
        self.posters = [self._thread(self._poster, i) for i in range(posters)]

    def missing(self):
        with self.lock:
            return [rid for rid in self.confirmed if rid not in self.arrived]

    def wait_confirmed(self, count, timeout=60):
        lib.until("%d jobs confirmed" % count, lambda: len(self.confirmed) >= count or self.errors, timeout)

    def quiet(self):
        """No more jobs from here on; returns when the last request is answered."""
        self.stop_posting.set()
        for t in self.posters:
            t.join(90)

    def finish(self, timeout=90):
        """Ends the posting and waits for what is missing; then looks once more for what is too much."""
        self.quiet()
        try:
            lib.until("results of all confirmed jobs", lambda: not self.missing() or self.errors, timeout)
        except AssertionError as e:
            left = self.missing()
            raise AssertionError("%s; %d of %d missing: %r" % (e, len(left), len(self.confirmed), [
                self.jobs[rid] for rid in left[:5]])) from None
        finally:
            self.stop_collecting.set()
            for t in self.threads:
                t.join(40)
        for session in self.sessions:
            session.cursor, more = self.stack.poll(session.sid, session.cursor, wait=1, port=self.ports()[0])
            session.messages += more

    # --- the books ---

    def results(self):
        """rid: [results], over all sessions."""
        found = collections.defaultdict(list)
        for session in self.sessions:
            for message in session.messages:
                if "rid" in message:
                    found[message["rid"]].append(message)
        return found

    def check(self, test, duplicates=True, final=None):
        """Exactly one result for each confirmed job, at most one for the others. `duplicates`: messages may have come
        twice. final(job, result): looks at each."""
        test.assertEqual(self.errors, [])
        results = self.results()
        bad = {rid: found for rid, found in results.items() if len(found) != 1}
        if bad:
            raise AssertionError("more than one result: %r" % bad)
        test.assertEqual([rid for rid in self.confirmed if rid not in results], [], "no result")
        test.assertEqual([rid for rid in results if rid not in self.jobs], [], "results of nobody's jobs")
        for rid, found in results.items():
            (final or plain)(test, self.jobs[rid], found[0])
        for session in self.sessions:
            self._check_messages(test, session, results, duplicates)

    def _check_messages(self, test, session, results, duplicates):
        came = collections.defaultdict(list)
        for message in session.messages:
            if "rid" not in message:
                came[message["actor"]["address"]].append(message["object"].get("i"))
                continue
            rid = message["rid"]
            sent = self.jobs[rid]
            if sent["verb"] != "burst" or not results[rid][0]["status"]:
                came.pop(rid, None)
                continue
            got = came.pop(rid, [])
            expected = list(range(sent["object"]["n"]))
            if not duplicates:
                test.assertEqual(got, expected, "messages of %s" % rid)
            test.assertEqual(list(dict.fromkeys(got)), expected, "messages of %s: %r" % (rid, got))
        left = {rid: got for rid, got in came.items() if rid in results}
        test.assertEqual(left, {}, "messages behind their result")

    def told(self):
        """One line about what happened."""
        slow = max((self.arrived[r] - t for r, t in self.confirmed.items() if r in self.arrived), default=0)
        return "%d confirmed, slowest result %.1f s, refused %s" % (len(self.confirmed), slow,
                                                                    dict(self.refused) or "none")


def plain(test, sent, result):
    """The result that a job of the usual mix has when nothing is wrong, or when it was given up as a suspect."""
    if "was given up" in result.get("message", ""):
        return
    verb = sent["verb"]
    test.assertEqual(result["verb"], verb)
    test.assertEqual(result["status"], verb != "fail", result)
    if verb in ("echo", "delay"):
        test.assertEqual(result["object"], sent["object"])
    elif verb == "burst":
        test.assertEqual(result["object"], sent["object"])


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
            except CLOSED:
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
            except CLOSED:
                pass

    def finish(self, test):
        due = [rid for rid, confirmed in self.posted if confirmed]
        lib.until("the stream's results", lambda: {e.data["rid"] for e in self.events} >= set(due), 30)
        self.over.set()
        self.thread.join(10)
        ids = [tuple(int(x) for x in e.id.split("-")) for e in self.events]
        test.assertEqual(ids, sorted(set(ids)), "each cursor once, in order")
        test.assertEqual(len({e.data["rid"] for e in self.events}), len(self.events))


class FaultTest(lib.StackTest):
    def crew_stack(self, **kw):
        s = self.stack(start=False, **kw)
        s.start_redis()
        return s

    def book(self, s, **kw):
        kw.setdefault("seed", seed())
        return Ledger(s, **kw)

    def until_result(self, s, sid, timeout=30, after=None):
        """(seconds, messages) until something is in the outbox."""
        began = time.monotonic()
        _, messages = s.collect(sid, lambda m: m, after=after, timeout=timeout)
        return time.monotonic() - began, messages

    def worker_name(self, s, process):
        line = process.wait_event("worker.ready")[0]
        return line.split(" name=")[1].split()[0]
