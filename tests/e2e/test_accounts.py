# SPDX-License-Identifier: MIT
"""Several workers share a platform's accounts, with real XMPP accounts: every job reaches the worker that holds its account,
in order, also when workers come, drain and die; connections come back for sessions that live, and for no others."""
import collections
import os
import re
import signal
import subprocess
import threading

import lib
import test_scale
import xmpp

SERVERS = os.path.join(lib.ROOT, "tests/servers")
PASSWORD = "secret"


class Prosody:
    """A server with the accounts a0, a1, ..."""

    def __init__(self, folder, n):
        self.folder = os.path.join(folder, "prosody")
        self.users = " ".join("a%d" % i for i in range(n))
        self.port = lib.free_ports(2)
        self.start()

    def start(self):
        subprocess.run([os.path.join(SERVERS, "prosody/start.sh"), self.folder, str(self.port)],
                       env={**os.environ, "XMPP_USERS": self.users}, stdout=subprocess.DEVNULL, check=True)

    def stop(self):
        subprocess.run([os.path.join(SERVERS, "stop.sh"), self.folder], check=False, capture_output=True)

    def archive(self, i, sender):
        """The texts that the server took for account i from the account `sender`, in order; it knows nothing of
        Sockethub. (A client may be told of one twice: what its worker had not confirmed when it died comes again.)"""
        with open(os.path.join(self.folder, "data/localhost/archive/a%d.list" % i), encoding="utf-8") as f:
            items = f.read().split("item({")
        ends = [r'\["%s"\] = "a%d@localhost[/"]' % end for end in (("to", i), ("from", sender))]
        found = []
        for item in items:
            text = re.search(r'\{\s*"([^"]*)";', item)  # the body: nothing else in a message has text
            if text and all(re.search(end, item) for end in ends):
                found.append(text.group(1))
        return found

    @property
    def ca(self):
        return os.path.join(self.folder, "ca.pem")

    def waiting(self):
        """Bytes on their way between the server and its clients."""
        with open("/proc/net/tcp", encoding="ascii") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        here = ":%04X" % self.port
        return sum(int(n, 16) for r in rows if r[3] == "01" and here in (r[1][-5:], r[2][-5:]) for n in r[4].split(":"))


class Account:
    """A session with an account."""

    def __init__(self, stack, prosody, i, password=PASSWORD):
        self.stack, self.address, self.rid, self.cursor = stack, "a%d@localhost" % i, 100, None
        self.sid = stack.register()
        self.seen = []
        self.post({"platform": "xmpp", "verb": "set", "rid": 1, "actor": {"address": self.address},
                   "object": {"objectType": "credentials", "username": self.address, "password": password,
                              "server": "127.0.0.1", "port": prosody.port, "resource": "page"}})

    def post(self, jobs, wait=None):
        posted = self.stack.post(jobs, sid=self.sid, wait=wait)
        assert posted.status == 200, posted
        return posted.replies

    def job(self, verb, target=(), **object_):
        self.rid += 1
        return {"platform": "xmpp", "verb": verb, "rid": self.rid, "actor": {"address": self.address},
                "target": [{"address": t} for t in target], "object": object_}

    def run(self, verb, target=(), wait=60, **object_):
        """The result of one job."""
        job = self.job(verb, target, **object_)
        results = [r for r in self.post(job, wait=wait) if r.get("rid") == job["rid"] and r["verb"] != "confirm"]
        assert len(results) == 1, results
        return results[0]

    def poll(self, wait=1):
        self.cursor, more = self.stack.poll(self.sid, self.cursor, wait=wait)
        self.seen += more
        return more

    def until(self, what, condition, timeout=60):
        """Polls until condition(all messages so far) is true."""
        lib.until(what, lambda: condition(self.seen) or self.poll() and condition(self.seen), timeout, step=0)

    def texts(self, sender=None):
        return [m["object"]["text"] for m in self.seen if m["verb"] == "send" and "rid" not in m and
                "text" in m["object"] and m["actor"]["address"] != self.address and
                (sender is None or m["actor"]["address"] == sender.address)]

    def states(self):
        """What the account was told about its connection."""
        return [m["object"].get("status") for m in self.seen if m["verb"] == "connect" and "rid" not in m]


class Rig(lib.StackTest):
    """What a test of accounts stands on; also of test_faults_accounts.py."""
    config = {}
    cluster = None

    def rig(self, n, workers=1, gateways=1, supervised=False, **settings):
        if supervised:
            settings["workers"] = 2
        stack = self.stack({"xmpp": {"reconnect_max_s": 1, **settings}}, gateways=gateways, workers=0, start=False,
                           supervised=supervised, redis=not self.cluster,
                           config={"outbound": {"allow": ["127.0.0.0/8"]}, "session": {"linger_s": 1}, **self.config})
        prosody = Prosody(stack.dir, n)
        self.addCleanup(prosody.stop)
        stack.reconfigure({"platforms": {"xmpp": {"ca_file": prosody.ca}}})
        if not self.cluster:
            stack.start_redis()
        if supervised:
            stack.start_daemon()
            return stack, prosody
        for _ in range(gateways):
            stack.start_gateway(wait=False)
        for _ in range(workers):
            stack.start_worker("xmpp").wait_event("worker.ready")
        if workers:
            stack.wait_ready()
        return stack, prosody

    def holders(self, stack):
        """{worker name: how many accounts}, as Redis has it."""
        found = collections.Counter()
        for key in stack.redis("KEYS", "sh:{*}:held:xmpp:*"):
            found[key.decode().rpartition(":")[2]] += stack.redis("SCARD", key)
        return dict(found)

    def opened(self, stack):
        """{account key: how often any worker opened it}"""
        lines = [line for w in stack.workers["xmpp"] for line in w.events("instance.open")]
        return collections.Counter(re.search(r" key=(\S+)", line).group(1) for line in lines)

    def together(self, *calls):
        """Runs the calls side by side; the first failure is raised."""
        failures = []

        def guard(call):
            try:
                call()
            except BaseException as e:  # pylint: disable=broad-except
                failures.append(e)
        threads = [threading.Thread(target=guard, args=(c,)) for c in calls]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if failures:
            raise failures[0]

    def chat(self, n, jobs, workers):
        """Everybody sends to the next one."""
        stack, prosody = self.rig(n, workers=workers)
        everyone = [Account(stack, prosody, i) for i in range(n)]

        def talk(i):
            me, to = everyone[i], everyone[(i + 1) % n]
            # One request for each, so that different workers read them; nobody waits for an answer.
            for k in range(jobs):
                me.post(me.job("send", [to.address], text="%d" % k))
            me.until("all results", lambda seen: sum("rid" in m for m in seen) >= jobs)
        # Presence is not needed to get messages, a connection is.
        self.together(*[lambda a=a: self.assertTrue(a.run("connect")["status"]) for a in everyone])
        self.together(*[lambda i=i: talk(i) for i in range(n)])
        for i, me in enumerate(everyone):
            sender = everyone[(i - 1) % n]
            me.until("messages of %s" % sender.address, lambda _, me=me, s=sender: len(me.texts(s)) >= jobs)
            self.assertEqual([str(k) for k in range(jobs)], me.texts(sender))
            results = [m for m in me.seen if "rid" in m]
            self.assertEqual(jobs, len(results))
            self.assertTrue(all(r["status"] for r in results), results)
        self.assertEqual([1] * n, list(self.opened(stack).values()))
        self.assertEqual(n, sum(self.holders(stack).values()))

    def worker_killed_under_load(self, n, jobs):
        stack, prosody = self.rig(n, workers=2)
        everyone = [Account(stack, prosody, i) for i in range(n)]
        self.together(*[lambda a=a: self.assertTrue(a.run("connect")["status"]) for a in everyone])
        half = threading.Event()

        def chat(i):
            me, to = everyone[i], everyone[(i + 1) % n]
            for k in range(jobs):
                me.post(me.job("send", [to.address], text="%d" % k))
                if k == jobs // 2:
                    half.set()
            me.until("all results", lambda seen: sum("rid" in m for m in seen) >= jobs, 120)

        def fault():
            half.wait()
            stack.workers["xmpp"][0].kill()
        self.together(fault, *[lambda i=i: chat(i) for i in range(n)])
        for i, me in enumerate(everyone):
            results = collections.Counter(m["rid"] for m in me.seen if "rid" in m)
            self.assertEqual({1}, set(results.values()))
            self.assertEqual(jobs, len(results))
            failed = [m for m in me.seen if m.get("status") is False]
            for m in failed:
                self.assertIn("may or may not have", m["message"])
            good = {m["rid"] for m in me.seen if m.get("rid") and m["status"]}
            # What succeeded has arrived; what may have been sent may have; nothing was sent twice, and all of it is told.
            sent = prosody.archive((i + 1) % n, i)
            self.assertEqual(len(sent), len(set(sent)))
            self.assertGreaterEqual(len(sent), len(good))
            to = everyone[(i + 1) % n]
            to.until("messages", lambda _, to=to, me=me, sent=sent: set(to.texts(me)) >= set(sent))
        self.assertEqual(n, sum(self.holders(stack).values()))


class Shards(Rig):
    """The same where the keys of accounts, jobs and sessions lie in different shards."""
    config = {"shards": 4}

    def test_chat(self):
        self.chat(6, 15, workers=2)

    def test_worker_killed_under_load(self):
        self.worker_killed_under_load(4, 25)


class Bound(Rig):
    """`accounts` holds for what a worker takes over, too, whichever shards that lies in."""
    config = {"shards": 8}

    def test_taken_over(self):
        bound, n = 6, 11
        stack, prosody = self.rig(n, workers=1, accounts=bound)
        everyone = [Account(stack, prosody, i) for i in range(n)]
        for a in everyone[:bound]:
            self.assertTrue(a.run("connect")["status"])
        stack.start_worker("xmpp").wait_event("worker.ready")
        for a in everyone[bound:]:
            lib.until("a worker with room shows itself", lambda a=a: a.run("connect")["status"], 30, step=0.2)
        first, second = stack.workers["xmpp"]
        self.assertEqual((bound, n - bound), (len(first.events("instance.open")), len(second.events("instance.open"))))
        first.kill()
        lib.until("it has taken one", lambda: len(second.events("instance.open")) >= bound, 60)
        # The rest is for a worker that has room for it.
        third = stack.start_worker("xmpp")
        lib.until("all are open", lambda: len(second.events("instance.open") + third.events("instance.open")) >= n, 60)
        self.assertEqual((bound, n - bound), (len(second.events("instance.open")), len(third.events("instance.open"))))
        lib.until("their holders", lambda: sorted(self.holders(stack).values()) == [n - bound, bound])
        for a in everyone[:bound]:
            a.until("it is told", lambda _, a=a: a.states() == ["online"])


class Cluster(Rig):
    """The same in a real Redis Cluster, where the shards lie on three servers."""

    def setUp(self):
        self.cluster = test_scale.Server(self, "redis-cluster", 6)
        self.config = {"redis": "redis://127.0.0.1:%d" % self.cluster.port, "shards": 8}

    def holders(self, stack):
        found = collections.Counter()
        for port in range(self.cluster.port, self.cluster.port + 3):
            for key in self.cluster.cli(port, "KEYS", "sh:{*}:held:xmpp:*").split():
                found[key.rpartition(":")[2]] += int(self.cluster.cli(port, "SCARD", key))
        return dict(found)

    def test_chat(self):
        self.chat(6, 15, workers=2)


class TakenOver(Rig):
    """What another worker brings back, also of the accounts that have jobs before it has looked for what is left ("busy"), beside
    those that have none ("idle"): each is in a room, and the first, which is busy, has a second session."""
    busy, idle, room = range(3), range(3, 6), "r@conference.localhost"

    def joined(self):
        """A worker that holds all the accounts."""
        stack, prosody = self.rig(len(self.busy) + len(self.idle) + 1, workers=1)
        everyone = [Account(stack, prosody, i) for i in [*self.busy, *self.idle, 0]]
        for i, a in enumerate(everyone[:-1]):
            self.assertTrue(a.run("update", show="away", roster=False)["status"])
            self.assertTrue(a.run("join", [self.room], nick="n%d" % i)["status"])
        for a in everyone:
            a.full = a.run("connect")["object"]["address"]
        return stack, prosody, everyone

    def judge(self, stack, prosody, everyone):
        """All are told, and are again what they were."""
        for a in everyone:
            a.until("it is told", lambda _, a=a: a.states())
            told = [m["object"] for m in a.seen if m["verb"] == "connect" and "rid" not in m]
            self.assertEqual([("online", a.full, True)], [(o["status"], o["address"], o["restored"]) for o in told])

        def heard():
            everyone[0].run("send", [self.room], text="are you all back?")
            return all(a.poll(0) is not None and any(t == "are you all back?" for t in a.texts()) for a in everyone)
        lib.until("all are in the room", heard, 30, step=0.2)
        guest = Account(stack, prosody, len(everyone) - 1)
        self.assertTrue(guest.run("join", [self.room], nick="guest")["status"])
        shown = {m["actor"]["name"]: m["object"]["state"] for m in guest.poll(0) if m["object"].get("objectType") == "presence"}
        self.assertEqual({"n%d" % i: "away" for i in range(len(everyone) - 1)}, {k: v for k, v in shown.items() if k != "guest"})
        opened = stack.workers["xmpp"][1].events("instance.open")
        self.assertEqual(len(everyone) - 1, sum("restored=1" in line for line in opened))
        self.assertEqual(len(everyone), len(opened))
        for a in [*everyone, guest]:
            self.assertEqual(204, stack.http("DELETE", stack.base + "/" + a.sid).status)
        lib.until("the accounts are nobody's", lambda: not stack.redis("KEYS", "sh:{*}:a:xmpp:*"))

    def test_killed(self):
        stack, prosody, everyone = self.joined()
        gone = Account(stack, prosody, 0)
        self.assertTrue(gone.run("connect")["status"])
        stack.workers["xmpp"][0].kill()
        self.assertEqual(204, stack.http("DELETE", stack.base + "/" + gone.sid).status)
        # Until then its jobs are handed to it; the successor may take over from the silent only when it has seen the others.
        lib.until("it is silent", lambda: not stack.redis("KEYS", "sh:{*}:w:xmpp:*"), 20)
        rids = [(a, a.job("fetch", ["roster"])) for a in everyone[:len(self.busy)]]
        for a, job in rids:
            a.post(job)
        second = stack.start_worker("xmpp")
        for a, job in rids:
            a.until("the result", lambda seen, job=job: [m["status"] for m in seen if m.get("rid") == job["rid"]] == [True])
        self.assertEqual(len(self.busy), len(second.events("instance.open")))
        lib.until("all are open", lambda: len(second.events("instance.open")) >= len(everyone) - 1, 30)
        self.judge(stack, prosody, everyone)

    def test_drained(self):
        stack, prosody, everyone = self.joined()
        first, second = stack.workers["xmpp"][0], stack.start_worker("xmpp")
        second.wait_event("worker.ready")
        over = threading.Event()

        def work(a):
            while not over.wait(0.02):
                a.post(a.job("fetch", ["roster"]))

        def drain():
            try:
                first.stop()
                lib.until("all are open", lambda: len(second.events("instance.open")) >= len(everyone) - 1, 30)
            finally:
                over.set()
        self.together(drain, *[lambda a=a: work(a) for a in everyone[:len(self.busy)]])
        self.judge(stack, prosody, everyone)


class Unconfirmed(Rig):
    """What a worker has taken from the server, and Redis not from it, is the server's until then."""
    n = 40

    def connected(self):
        stack, prosody = self.rig(2, workers=1)
        page, peer = Account(stack, prosody, 0), xmpp.Peer(self, prosody, "a1@localhost/peer")
        self.assertTrue(page.run("connect")["status"])
        lib.until("its record", lambda: all(stack.redis("HEXISTS", k, "d") for k in stack.redis("KEYS", "sh:{*}:a:xmpp:*")))
        return stack, prosody, page, peer

    def told(self, page):
        return [int(text) for text in page.texts()]

    def test_killed(self):
        stack, prosody, page, peer = self.connected()
        name, = self.holders(stack)
        peer.do("message", to=page.address, body="0")
        page.until("the first", lambda _: self.told(page) == [0])
        stack.redis.kill()
        for k in range(1, self.n):
            peer.do("message", to=page.address, body=str(k))
        lib.until("the server has them", lambda: len(prosody.archive(0, 1)) == self.n)
        lib.until("the worker has read them", lambda: prosody.waiting() == 0)
        stack.workers["xmpp"][0].kill()
        stack.redis.start()
        stack.wait_ready()
        stack.start_worker("xmpp", env={"SOCKETHUB_WORKER_PREDECESSOR": name})
        page.until("all", lambda _: len(self.told(page)) >= self.n)
        self.assertEqual(list(range(self.n)), sorted(set(self.told(page))))
        self.assertEqual([], [m for m in page.seen if m["verb"] == "send" and "stanzaId" not in m["object"]])
        # What Redis had taken is not sent again, but perhaps the last, whose confirmation was still to come.
        self.assertEqual([], [k for k, n in collections.Counter(self.told(page)).items() if n > 1 and k > 0])

    def test_drained(self):
        """Messages that come while one worker gives the account to another one are told once."""
        stack, _, page, peer = self.connected()
        stack.start_worker("xmpp").wait_event("worker.ready")
        over, sent = threading.Event(), []

        def talk():
            while not over.wait(0.003):
                peer.do("message", to=page.address, body=str(len(sent)))
                sent.append(len(sent))

        def drain():
            try:
                page.until("some", lambda _: len(self.told(page)) > self.n)
                stack.workers["xmpp"][0].stop()
                page.until("it is told", lambda _: "online" in page.states())
            finally:
                over.set()
        self.together(talk, drain)
        page.until("all", lambda _: len(set(self.told(page))) >= len(sent))
        self.assertEqual(sent, sorted(self.told(page)))


class Supervised(Rig):
    def test_worker_killed_and_reloaded(self):
        """sockethubd tells a successor whom it follows; after SIGHUP new workers take over from those that end."""
        n, stack, prosody = 3, *self.rig(3, supervised=True)
        everyone = [Account(stack, prosody, i) for i in range(n)]
        for a in everyone:
            self.assertTrue(a.run("connect")["status"])

        def workers():
            return {pid for pid, words in lib.children(stack.daemon.pid) if words and words[0].endswith("sockethub-worker")}

        def back(before, number):
            lib.until("new workers", lambda: len(workers()) == 2 and not workers() & before, 30)
            for a in everyone:
                a.until("online %d" % number, lambda _, a=a: a.states().count("online") >= number)
                self.assertTrue(a.run("send", ["a0@localhost"], text="still here")["status"])
            lib.until("one holder each", lambda: sum(self.holders(stack).values()) == n and not
                      set(self.holders(stack)) - self.alive(stack))
        first = workers()
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        back(first, 1)
        second = workers()
        stack.reconfigure({"platforms": {"xmpp": {"reconnect_max_s": 2}}})
        stack.daemon.signal(signal.SIGHUP)
        stack.daemon.asked = None
        back(second, 2)

    def alive(self, stack):
        keys = stack.redis("KEYS", "sh:{*}:w:xmpp:*")
        return {k.decode().rpartition(":")[2] for k in keys if stack.redis("GET", k) != b"left"}


class Accounts(Rig):
    def test_every_job_reaches_the_holder(self):
        self.chat(8, 25, workers=3)

    def test_first_jobs_keep_their_order(self):
        """The jobs that open the connection, spread over the workers."""
        stack, prosody = self.rig(2, workers=3)
        one, two = Account(stack, prosody, 0), Account(stack, prosody, 1)
        self.assertTrue(two.run("connect")["status"])
        for k in range(30):
            one.post(one.job("send", [two.address], text="%d" % k))
        two.until("all messages", lambda _: len(two.texts()) >= 30)
        self.assertEqual([str(k) for k in range(30)], two.texts())
        self.assertEqual([1, 1], list(self.opened(stack).values()))

    def test_bound(self):
        stack, prosody = self.rig(6, workers=2, accounts=2)
        everyone = [Account(stack, prosody, i) for i in range(6)]
        results = []
        self.together(*[lambda a=a: results.append(a.run("connect")) for a in everyone])
        good = [r for r in results if r["status"]]
        bad = [r for r in results if not r["status"]]
        self.assertEqual((4, 2), (len(good), len(bad)))
        for r in bad:
            self.assertIn("no worker has room for another account (platforms.xmpp.accounts)", r["message"])
        # A worker more, and there is room.
        stack.start_worker("xmpp").wait_event("worker.ready")
        late = next(a for a in everyone if a.address == bad[0]["actor"]["address"])
        lib.until("a worker with room shows itself", lambda: late.run("connect")["status"], 30, step=0.2)

    def test_given_to_a_full_worker(self):
        """By another, for a job: that fails, and who was connected is again, where there is room."""
        stack, prosody = self.rig(2, workers=1, accounts=1)
        one, two = Account(stack, prosody, 0), Account(stack, prosody, 1)
        self.assertTrue(one.run("connect")["status"])
        full = stack.start_worker("xmpp")
        full.wait_event("worker.ready")
        account, = stack.redis("KEYS", "sh:{0}:a:xmpp:*")
        lib.until("a worker with room shows itself", lambda: two.run("connect")["status"], 30, step=0.2)
        name = next(n for n in self.holders(stack) if n.encode() != stack.redis("HGET", account, "w"))
        stack.workers["xmpp"][0].kill()
        stack.redis("HSET", account, "w", name)
        refused = one.run("fetch", ["roster"])
        self.assertIn("no worker has room", refused["message"])
        self.assertEqual(1, len(full.events("instance.open")))
        third = stack.start_worker("xmpp")
        one.until("it is told", lambda _: one.states() == ["online"])
        self.assertEqual(1, len(third.events("instance.open")))
        self.assertTrue(one.run("send", [two.address], text="back")["status"])

    def test_worker_drained(self):
        stack, prosody = self.rig(4, workers=2)
        everyone = [Account(stack, prosody, i) for i in range(4)]
        self.together(*[lambda a=a: self.assertTrue(a.run("connect")["status"]) for a in everyone])
        first, second = stack.workers["xmpp"]
        n_first = len(first.events("instance.open"))
        first.stop()
        lib.until("its accounts are with the other", lambda: len(second.events("instance.open")) == 4, 30)
        for a in everyone:
            self.assertTrue(a.run("send", [everyone[0].address], text="still here")["status"])
        self.assertEqual(4, sum(self.holders(stack).values()))
        restored = [a for a in everyone if a.poll(0) is not None and "online" in a.states()]
        self.assertEqual(n_first, len(restored), [a.states() for a in everyone])

    def test_worker_killed_under_load(self):
        self.worker_killed_under_load(4, 40)

    def test_only_worker_killed(self):
        """Supervised: its successor brings the connections back for the sessions that still live, and tells them."""
        stack, prosody = self.rig(3, workers=1)
        live, gone, idle = [Account(stack, prosody, i) for i in range(3)]
        for a in (live, gone):
            self.assertTrue(a.run("connect")["status"])
        worker = stack.workers["xmpp"][0]
        name = next(iter(self.holders(stack)))
        worker.kill()
        self.assertEqual(204, stack.http("DELETE", stack.base + "/" + gone.sid).status)
        stack.start_worker("xmpp", env={"SOCKETHUB_WORKER_PREDECESSOR": name}).wait_event("worker.ready")
        live.until("it is told", lambda _: "online" in live.states())
        second = stack.workers["xmpp"][1]
        self.assertEqual(1, len(second.events("instance.open")))
        self.assertIn("restored=1", second.events("instance.open")[0])
        # It works, also for messages from outside, without a job of the live session before.
        self.assertTrue(idle.run("send", [live.address], text="welcome back")["status"])
        live.until("the message", lambda _: live.texts(idle) == ["welcome back"])
        lib.until("nobody holds what nobody uses", lambda: sum(self.holders(stack).values()) == 2)

    def test_sessions_end(self):
        stack, prosody = self.rig(1, workers=2)
        one, two = Account(stack, prosody, 0), Account(stack, prosody, 0)
        for a in (one, two):
            self.assertTrue(a.run("connect")["status"])
        self.assertEqual([1], list(self.opened(stack).values()))
        self.assertEqual(204, stack.http("DELETE", stack.base + "/" + one.sid).status)
        self.assertTrue(two.run("send", ["a0@localhost"], text="to myself")["status"])
        self.assertEqual(204, stack.http("DELETE", stack.base + "/" + two.sid).status)
        lib.until("the account is nobody's", lambda: not stack.redis("KEYS", "sh:{*}:a:xmpp:*"))
        self.assertEqual({}, self.holders(stack))

    def test_order_while_connections_are_cut(self):
        """What Redis did not answer is asked again: a job keeps its place in the line."""
        jobs = 60
        stack, prosody = self.rig(2, workers=3)
        one, two = Account(stack, prosody, 0), Account(stack, prosody, 1)
        self.assertTrue(two.run("connect")["status"])
        confirmed = []

        def confirm():
            job = one.job("send", [two.address], text="%d" % one.rid)
            posted = stack.post(job, sid=one.sid)
            if posted.status == 200 and posted.replies[0]["status"]:
                confirmed.append((job["rid"], job["object"]["text"]))
                return True
            return False  # 503: the gateway's connection was cut as well
        for k in range(jobs):
            lib.until("a job is confirmed", confirm, step=0.01)
            if k % 6 == 5:
                stack.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        def results():
            try:
                one.poll()
            except (AssertionError, OSError):
                pass  # 503: cut as well
            return {m["rid"]: m for m in one.seen if "rid" in m}
        found = lib.until("all results", lambda: (lambda r: r if all(rid in r for rid, _ in confirmed) else None)(results()),
                          60, step=0)
        failed = {r["message"] for r in found.values() if not r["status"]}
        self.assertEqual(set(), {m for m in failed if "may or may not" not in m})
        good = [text for rid, text in confirmed if found[rid]["status"]]
        self.assertEqual(good, [text for text in prosody.archive(1, 0) if text in set(good)])

    def test_held_for_nobody(self):
        """An account that a worker holds by what Redis says, and knows nothing of."""
        stack, prosody = self.rig(1, workers=1)
        a = Account(stack, prosody, 0)
        self.assertTrue(a.run("connect")["status"])
        name, key, stale = next(iter(self.holders(stack))), "k" * 22, "s" * 22
        stack.redis("HSET", "sh:{0}:a:xmpp:" + key, "w", name)
        stack.redis("SADD", "sh:{0}:held:xmpp:" + name, key, stale)
        lib.until("it is let go of", lambda: self.holders(stack) == {name: 1}, 20)
        self.assertEqual(1, len(stack.redis("KEYS", "sh:{*}:a:xmpp:*")))
        self.assertTrue(a.run("send", ["a0@localhost"], text="still here")["status"])

    def test_session_ends_at_once(self):
        """Before its first job has found its connection."""
        n = 8
        stack, prosody = self.rig(n, workers=3)
        for _ in range(3):
            for i in range(n):
                a = Account(stack, prosody, i)
                a.post(a.job("send", ["a0@localhost"], text="x"))
                self.assertEqual(204, stack.http("DELETE", stack.base + "/" + a.sid).status)
        lib.until("nothing is left", lambda: not stack.redis("KEYS", "sh:{*}:a:xmpp:*") and not self.holders(stack), 30)

    def test_redis_forgets(self):
        """A Redis that came back without its last seconds: the holder says again what it holds, and what it would leave."""
        n = 3
        stack, prosody = self.rig(n, workers=1)
        everyone = [Account(stack, prosody, i) for i in range(n)]
        for a in everyone:
            self.assertTrue(a.run("connect")["status"])
        for key in stack.redis("KEYS", "sh:{*}:a:xmpp:*") + stack.redis("KEYS", "sh:{*}:held:xmpp:*"):
            stack.redis("DEL", key)
        stack.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        lib.until("it says so", lambda: sum(self.holders(stack).values()) == n)
        lib.until("its records", lambda: all(stack.redis("HEXISTS", k, "d") for k in stack.redis("KEYS", "sh:{*}:a:xmpp:*")))
        stack.workers["xmpp"][0].kill()
        second = stack.start_worker("xmpp")
        second.wait_event("instance.open", count=n, timeout=60)

    def test_suspects_in_one_line(self):
        """Two jobs that saw three workers die, the later one taken first: it waits for the other, and both are done."""
        stack, prosody = self.rig(1, workers=1)
        a = Account(stack, prosody, 0)
        stack.workers["xmpp"][0].kill()
        rids = []
        for _ in range(2):
            job = a.job("fetch", ["roster"])
            rids.append(job["rid"])
            a.post(job)
        queue = "sh:{0}:q:xmpp"
        stack.redis("XREADGROUP", "GROUP", "w", "ghost", "STREAMS", queue, ">")
        first, second = [row[0] for row in stack.redis("XPENDING", queue, "w", "-", "+", 10)]
        # Who comes first in the alphabet is taken over first.
        for name, entry in (("ghost-b", first), ("ghost-a", second)):
            stack.redis("XCLAIM", queue, "w", name, 0, entry, "RETRYCOUNT", 3)
        stack.start_worker("xmpp")
        a.until("both results", lambda seen: [m["rid"] for m in seen if "rid" in m and m["rid"] in rids] == rids, 60)
        self.assertTrue(all(m["status"] for m in a.seen if m.get("rid") in rids), a.seen)

    def test_refused_jobs_keep_their_place(self):
        """A job that fails without being run does not let those behind it pass the ones before it."""
        stack, prosody = self.rig(2, workers=1)
        a, queue = Account(stack, prosody, 0), "sh:{0}:q:xmpp"
        stack.workers["xmpp"][0].kill()
        jobs = [a.job("send", ["a1@localhost"], text=text) for text in ("first", "second", "third")]
        for job in jobs:
            a.post(job)
        stack.redis("XREADGROUP", "GROUP", "w", "ghost", "STREAMS", queue, ">")
        first, second, _ = [row[0] for row in stack.redis("XPENDING", queue, "w", "-", "+", 10)]
        # The first is with one that lives, and does nothing; the second was marked by one that died.
        stack.redis("SET", "sh:{0}:w:xmpp:another", 1, "EX", 100)
        stack.redis("XCLAIM", queue, "w", "another", 0, first)
        stack.redis("HSET", "sh:{0}:started:xmpp", second, "ghost")
        stack.start_worker("xmpp").wait_event("xmpp.online")
        lib.until("it has the two", lambda: a.poll(0) is not None and all(
            row[1] not in (b"ghost",) for row in stack.redis("XPENDING", queue, "w", "-", "+", 10)), 20)
        stack.redis("DEL", "sh:{0}:w:xmpp:another")
        a.until("all results", lambda seen: sum("rid" in m for m in seen) >= 3)
        self.assertEqual([True, False, True], [m["status"] for j in jobs for m in a.seen if m.get("rid") == j["rid"]])
        self.assertEqual(["first", "third"], list(dict.fromkeys(prosody.archive(1, 0))))

    def test_drain_leaves_those_behind(self):
        """A job behind one that another worker has does not hold up a worker that ends."""
        stack, prosody = self.rig(1, workers=1)
        stack.reconfigure({"drain_s": 25})
        stack.workers["xmpp"][0].stop()
        worker = stack.start_worker("xmpp")
        worker.wait_event("worker.ready")
        a, queue = Account(stack, prosody, 0), "sh:{0}:q:xmpp"
        self.assertTrue(a.run("connect")["status"])
        # Given to it, and taken by another before it has looked; that one lives, and does nothing.
        worker.signal(signal.SIGSTOP)
        rids = []
        for job in a.job("send", ["a0@localhost"], text="x"), a.job("fetch", ["roster"]):
            rids.append(job["rid"])
            a.post(job)
            if len(rids) == 1:
                entry = lib.until("it is given", lambda: stack.redis("XPENDING", queue, "w", "-", "+", 1))[0][0]
                stack.redis("SET", "sh:{0}:w:xmpp:another", 1, "EX", 100)
                stack.redis("XCLAIM", queue, "w", "another", 0, entry)
        worker.signal(signal.SIGCONT)
        lib.until("it has the other one", lambda: stack.redis("XPENDING", queue, "w")[0] == 2)
        worker.stop(timeout=20)
        self.assertEqual([], worker.events("worker.drain-cut"))
        stack.redis("DEL", "sh:{0}:w:xmpp:another")
        stack.start_worker("xmpp")
        a.until("both results", lambda seen: {m["rid"] for m in seen if "rid" in m} >= set(rids))
        self.assertEqual([(rid, True) for rid in rids], [(m["rid"], m["status"]) for m in a.seen if m.get("rid") in rids])

    def test_other_password(self):
        """Never reaches the first one's connection, and does not disturb it."""
        stack, prosody = self.rig(2, workers=2)
        good, bad = Account(stack, prosody, 0), Account(stack, prosody, 0, password="wrong")
        self.assertTrue(good.run("connect")["status"])
        refused = bad.run("send", ["a1@localhost"], text="as somebody else")
        self.assertFalse(refused["status"])
        self.assertTrue(good.run("send", ["a1@localhost"], text="as myself")["status"])
        self.assertEqual(2, len(self.opened(stack)))
        self.assertEqual([], good.states())

    def test_stopped_worker_lets_go(self):
        """A worker that hangs is taken for dead; when it wakes up it finds its account with another, and does not fight."""
        stack, prosody = self.rig(1, workers=2)
        a = Account(stack, prosody, 0)
        self.assertTrue(a.run("connect")["status"])
        first, second = stack.workers["xmpp"]
        holder, other = (first, second) if first.events("instance.open") else (second, first)
        holder.signal(signal.SIGSTOP)
        other.wait_event("instance.open", timeout=60)
        self.assertTrue(a.run("send", ["a0@localhost"], text="by the other")["status"])
        holder.signal(signal.SIGCONT)
        holder.asked = None
        holder.wait_event("instance.close", timeout=60)
        self.assertTrue(a.run("send", ["a0@localhost"], text="still by the other")["status"])
        self.assertEqual(1, len(other.events("instance.open")))


if __name__ == "__main__":
    lib.main()
