# SPDX-License-Identifier: MIT
"""Accounts while everything breaks: several workers share real XMPP accounts and real mailboxes, and are killed, drained
and stopped, as Redis and gateways are. What arrived is read from the servers, who know nothing of Sockethub.
Random, with a printed seed (SOCKETHUB_SEED repeats one); SOCKETHUB_FAULTS_S is how long things break (for runs by night)."""

import collections
import os
import random
import re
import signal
import smtplib
import ssl
import threading
import time

import ledger
import lib
import mail
import test_accounts
from ledger import note

FAULTS_S = float(os.environ.get("SOCKETHUB_FAULTS_S", 30))
UNSURE = "may or may not"


def connections(port):
    """How many connections to this port of 127.0.0.1 there are, seen from the side that made them."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return sum(1 for r in rows if r[2] == "0100007F:%04X" % port and r[3] == "01")


class Crew:
    """Workers of one platform; each that goes has a successor."""

    def __init__(self, stack, platform, n):
        self.stack, self.platform, self.born = stack, platform, 0
        self.names, self.processes = [None] * n, [None] * n
        for i in range(n):
            self.begin(i)
        for p in self.processes:
            p.wait_event("worker.ready")

    def begin(self, i, told=False):
        """`told`: the name of the one before it, as sockethubd does."""
        env = {"SOCKETHUB_WORKER_NAME": "w%d" % self.born}
        if told:
            env["SOCKETHUB_WORKER_PREDECESSOR"] = self.names[i]
        self.born += 1
        self.names[i] = env["SOCKETHUB_WORKER_NAME"]
        self.processes[i] = self.stack.start_worker(self.platform, env=env)


class Faults:
    """Breaks something every now and then, from the test's thread."""

    def __init__(self, stack, crew, seed):
        self.stack, self.crew, self.rng = stack, crew, random.Random(seed)
        self.done = collections.Counter()
        self.stopped = None  # (worker, when it is woken)

    def worker(self):
        """The place of one that is not stopped."""
        places = [i for i, p in enumerate(self.crew.processes) if not self.stopped or p is not self.stopped[0]]
        return self.rng.choice(places)

    def kill(self):
        i = self.worker()
        self.crew.processes[i].kill()
        self.crew.begin(i, told=self.rng.random() < 0.5)

    def drain(self):
        i = self.worker()
        self.crew.processes[i].signal(signal.SIGTERM)
        self.crew.begin(i)

    def stop(self):
        if self.stopped:
            return
        worker = self.crew.processes[self.worker()]
        worker.signal(signal.SIGSTOP)
        self.stopped = worker, time.monotonic() + self.rng.uniform(7, 11)

    def wake(self, at_once=False):
        if self.stopped and (at_once or time.monotonic() > self.stopped[1]):
            self.stopped[0].signal(signal.SIGCONT)
            self.stopped = None

    def cut(self):
        for kind in self.rng.sample(["normal", "pubsub"], self.rng.randrange(1, 3)):
            self.stack.redis("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def redis(self):
        self.stack.redis.kill()
        self.stack.redis.start()

    def gateway(self):
        g = self.rng.choice([g for g in self.stack.gateways if g.running()])
        g.kill()
        self.stack.start_gateway(g.port, wait=False)

    def run(self, seconds, what, longest=2.5):
        end = time.monotonic() + seconds
        todo = []
        while time.monotonic() < end:
            time.sleep(self.rng.uniform(0.2, longest))  # the random moment
            self.wake()
            if not todo:
                todo = self.rng.sample(what, len(what))
            fault = todo.pop()
            self.done[fault] += 1
            getattr(self, fault)()
        while self.stopped:
            time.sleep(0.1)  # for as long as it was to be
            self.wake()

    def told(self):
        return " ".join("%s %d" % kv for kv in sorted(self.done.items()))


class Chatter:
    """A session with an account, that posts job after job, and keeps books."""

    def __init__(self, stack, prosody, i, n):
        self.account = test_accounts.Account(stack, prosody, i)
        self.stack, self.to = stack, "a%d@localhost" % ((i + 1) % n)
        self.jobs = {}  # rid: verb
        self.confirmed, self.refused = set(), collections.Counter()
        self.seen, self.cursor = [], None
        self.posting, self.reading = threading.Event(), threading.Event()
        self.errors = []

    def post_all(self, rng, pause):
        while not self.posting.is_set():
            rid = len(self.jobs) + 1000
            job = {"platform": "xmpp", "rid": rid, "actor": {"address": self.account.address}}
            if rng.random() < 0.8:
                job.update(verb="send", target=[{"address": self.to}], object={"text": "n%d" % rid})
            else:
                job.update(verb="fetch", target=[{"address": "roster"}], object={})
            self.jobs[rid] = job["verb"]
            try:
                posted = self.stack.post(job, sid=self.account.sid, port=rng.choice(self.stack.ports))
                if posted.status == 200 and posted.replies[0]["status"]:
                    self.confirmed.add(rid)
                else:
                    self.refused[posted.status] += 1
            except ledger.CLOSED as e:
                self.refused[type(e).__name__] += 1
            self.posting.wait(rng.uniform(0, 2 * pause))

    def read_all(self, rng):
        while not self.reading.is_set():
            try:
                reply = self.stack.http("GET", "%s/%s?wait=2%s" % (
                    self.stack.base, self.account.sid, "&after=" + self.cursor if self.cursor else ""),
                    port=rng.choice(self.stack.ports), timeout=20)
            except ledger.CLOSED:
                time.sleep(0.05)
                continue
            if reply.status == 200:
                document = lib.json.loads(reply.body)
                self.cursor = document["cursor"]
                self.seen += document["messages"]
            elif reply.status == 503:
                time.sleep(0.05)
            else:
                raise AssertionError("poll: %d %r" % (reply.status, reply.body))

    def guard(self, call, *args):
        try:
            call(*args)
        except BaseException as e:  # told by the test: a thread cannot fail it
            self.errors.append(repr(e))

    def start(self, seed, pause):
        rng = [random.Random("%s-%s-%d" % (seed, self.account.address, i)) for i in range(2)]
        self.threads = [threading.Thread(target=self.guard, args=(self.post_all, rng[0], pause), daemon=True),
                        threading.Thread(target=self.guard, args=(self.read_all, rng[1]), daemon=True)]
        for t in self.threads:
            t.start()

    def fetch(self):
        """A last job's result. The last fault may have been a moment ago: posted again while a gateway is not back."""
        def accepted():
            try:
                posted = self.stack.post(self.account.job("fetch", ["roster"]), sid=self.account.sid, wait=60)
            except ledger.CLOSED:
                return None  # killed, not yet started
            return None if posted.status == 503 else posted  # 503: its connection to Redis was cut
        posted = lib.until("a gateway takes jobs", accepted, 30)
        assert posted.status == 200, posted
        result, = [r for r in posted.replies if r["verb"] != "confirm"]
        return result

    def results(self):
        found = collections.defaultdict(list)
        for m in list(self.seen):
            if m.get("rid", 0) >= 1000:  # the account's own are below
                found[m["rid"]].append(m)
        return found

    def missing(self):
        return self.confirmed - set(self.results())

    def got(self, sender):
        return [m["object"]["text"] for m in self.seen if m["verb"] == "send" and "rid" not in m
                and m["actor"]["address"] == sender and "text" in m["object"]]


class Xmpp(test_accounts.Rig):
    def judge(self, chatter, arrived, reasons):
        """One sender against what its receiver's server has."""
        self.assertEqual([], chatter.errors)
        results = chatter.results()
        self.assertEqual({}, {rid: r for rid, r in results.items() if len(r) != 1}, "more than one result")
        self.assertEqual(set(), chatter.confirmed - set(results), "no result")
        self.assertEqual(set(), set(results) - set(chatter.jobs), "results of nobody's jobs")
        times = collections.Counter(arrived)
        self.assertEqual({}, {k: v for k, v in times.items() if v > 1}, "sent twice by " + chatter.account.address)
        good = []
        for rid, (result,) in results.items():
            if result["status"]:
                good.append(rid)
            else:
                reasons["%s: %s" % (chatter.jobs[rid], re.sub(r"a\d+@", "aN@", result["message"]))] += 1
        good = [rid for rid in sorted(good) if chatter.jobs[rid] == "send"]
        self.assertEqual([], [rid for rid in good if rid not in times], "told as sent, and was not")
        denied = [r[0] for rid, r in results.items() if not r[0]["status"] and UNSURE not in r[0]["message"] and rid in times]
        self.assertEqual([], denied, "told as not sent, and was")
        self.assertEqual(good, [rid for rid in arrived if rid in set(good)], "order of " + chatter.account.address)
        return len(good)

    def one_holder_each(self, s, prosody, everyone):
        """Every account is held by one living worker, in Redis and at the server."""
        def settled():
            keys = s.redis("KEYS", "sh:{*}:a:xmpp:*")
            held = [k for h in s.redis("KEYS", "sh:{*}:held:xmpp:*") for k in s.redis("SMEMBERS", h)]
            owners = {s.redis("HGET", k, "w") for k in keys}
            alive = all(s.redis("EXISTS", "sh:{0}:w:xmpp:" + w.decode()) for w in owners)
            counts = len(keys), len(held), len(set(held)), connections(prosody.port)
            return alive and set(counts) == {len(everyone)} or self.counts.append((alive, counts))
        self.counts = []
        try:
            lib.until("one holder for each account", settled, 30, step=0.2)
        except AssertionError as e:
            raise AssertionError("%s: %r" % (e, self.counts[-1])) from None

    def nothing_left(self, s, prosody, everyone):
        for c in everyone:
            self.assertEqual(204, s.http("DELETE", s.base + "/" + c.account.sid).status)
        lib.until("nothing is left", lambda: not s.redis("KEYS", "sh:{*}:a:xmpp:*") and not s.redis(
            "KEYS", "sh:{*}:held:xmpp:*") and connections(prosody.port) == 0, 30, step=0.2)
        self.assertEqual([], s.redis("KEYS", "sh:{*}:started:*"))
        for q in s.redis("KEYS", "sh:{*}:q:xmpp"):
            self.assertEqual(0, s.redis("XLEN", q))

    def break_it(self, n, what, seconds=FAULTS_S, pause=0.15):
        seed = ledger.seed()
        s, prosody = self.rig(n, gateways=2, workers=0)
        crew = Crew(s, "xmpp", 3)
        everyone = [Chatter(s, prosody, i, n) for i in range(n)]
        for c in everyone:
            c.start(seed, pause)
        faults = Faults(s, crew, seed)
        faults.run(seconds, what)
        for c in everyone:
            c.posting.set()
        began = time.monotonic()
        try:
            lib.until("all results", lambda: not any(c.missing() for c in everyone), 90, step=0.2)
        except AssertionError as e:
            raise AssertionError("%s; missing %r" % (e, {
                c.account.address: {rid: c.jobs[rid] for rid in c.missing()} for c in everyone})) from None
        late = time.monotonic() - began
        for c in everyone:
            c.account.cursor = c.cursor
        # A job for each, so that none is left out that lost its connection for good.
        self.together(*[lambda c=c: self.assertTrue(c.fetch()["status"]) for c in everyone])
        self.one_holder_each(s, prosody, everyone)
        for c in everyone:
            c.reading.set()
        for c in everyone:
            for t in c.threads:
                t.join(30)
        reasons, sent, got, lost, twice = collections.Counter(), 0, 0, 0, 0
        for i, c in enumerate(everyone):
            arrived = [int(text[1:]) for text in prosody.archive((i + 1) % n, i)]
            sent += self.judge(c, arrived, reasons)
            told = everyone[(i + 1) % n].got(c.account.address)
            got += len(told)
            lost += len(set("n%d" % k for k in arrived) - set(told))
            twice += len(told) - len(set(told))
        self.nothing_left(s, prosody, everyone)
        refused = sum((c.refused for c in everyone), collections.Counter())
        note("%s; %d confirmed, %d sent, %d told, of messages that came %d not told, %d twice; last result after %.1f s; "
             "refused %r; failed %r" % (faults.told(), sum(len(c.confirmed) for c in everyone), sent, got, lost, twice, late,
                                        dict(refused), dict(reasons)))

    def test_everything_breaks(self):
        self.break_it(10, ["kill", "kill", "drain", "stop", "cut", "cut", "redis", "gateway"])


class Observer:
    """A session that observes its inbox, and reads what comes."""

    def __init__(self, account):
        self.account, self.subjects, self.errors = account, collections.Counter(), []
        self.others = []  # what was told beside mails
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while not self.over.is_set():
                try:
                    messages = self.account.messages(wait=1)
                except AssertionError as e:
                    if "poll: 503" not in str(e):
                        raise
                    messages = []  # the gateway's connection was cut
                for m in messages:
                    if m["verb"] == "send":
                        self.subjects[m["object"]["subject"]] += 1
        except BaseException as e:  # told by the test: a thread cannot fail it
            self.errors.append(repr(e))


class Email(mail.MailTest):
    def deliver(self, server, user, subjects, pause):
        """Mail from elsewhere, one by one, through Exim."""
        context = ssl.create_default_context(cafile=self.servers.ca)
        with smtplib.SMTP("localhost", int(server["SMTP_PORT"]), timeout=30) as smtp:
            smtp.starttls(context=context)
            smtp.login("bob", mail.PASSWORD)
            for subject in subjects:
                smtp.sendmail("bob@localhost", [user + "@localhost"], mail.text(subject, to=user + "@localhost"))
                time.sleep(pause)

    def test_no_mail_is_lost(self):
        """Workers die while mail comes: each is told at least once; again only what was told just before a crash."""
        users, each, seed = [self.user() for _ in range(4)], max(50, int(FAULTS_S * 1.6)), ledger.seed()
        s = self.stack({"email": {"ca_file": self.servers.ca, "idle": True, "poll_interval_s": 3600}}, start=False,
                       config={"outbound": {"allow": mail.ALLOW}})
        s.start_redis()
        s.start_gateway(wait=False)
        crew = Crew(s, "email", 2)
        s.wait_ready()
        observers = []
        for user in users:
            account = self.account(s, user)
            account.good("observe")
            observers.append(Observer(account))
        subjects = [["%s-%d" % (u, k) for k in range(each)] for u in users]
        faults = Faults(s, crew, seed)
        threads = [threading.Thread(target=self.deliver, args=(self.servers.exim.env, u, names, FAULTS_S * 0.6 / each))
                   for u, names in zip(users, subjects)]
        for t in threads:
            t.start()
        # A worker takes nothing over before it has lived for a while: not so fast that none ever does.
        faults.run(FAULTS_S * 0.6, ["kill", "kill", "drain", "cut"], longest=5)
        for t in threads:
            t.join()
        for user in users:
            self.arrives(user, each)
        try:
            lib.until("every mail is told", lambda: all(
                len(o.subjects) >= each or o.errors for o in observers), 60, step=0.2)
        except AssertionError as e:
            raise AssertionError("%s: %r" % (e, [(sorted(set(names) - set(o.subjects)), o.errors, o.others[-3:])
                                                 for o, names in zip(observers, subjects)])) from None
        for o in observers:
            o.over.set()
        for o in observers:
            o.thread.join(30)
            self.assertEqual([], o.errors)
        twice = sum(n - 1 for o in observers for n in o.subjects.values())
        note("%s; %d mails, %d told again" % (faults.told(), each * len(users), twice))
        for o, names in zip(observers, subjects):
            self.assertEqual(set(names), set(o.subjects))


if __name__ == "__main__":
    lib.main()
