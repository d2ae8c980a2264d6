# SPDX-License-Identifier: MIT
"""Several shards, on one Redis and on a real Redis Cluster; fail-over by real sentinels."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import ledger
import lib
from ledger import job, note

SERVERS = os.path.join(lib.ROOT, "tests/servers")


class Server:
    """One of tests/servers, in a folder of its own."""

    def __init__(self, test, name, ports):
        self.dir = tempfile.mkdtemp(prefix="sh-%s-" % name)
        self.port = lib.free_ports(ports)
        test.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        test.addCleanup(subprocess.run, [os.path.join(SERVERS, "stop.sh"), self.dir], check=False,
                        stdout=subprocess.DEVNULL, timeout=60)
        subprocess.run([os.path.join(SERVERS, name, "start.sh"), self.dir, str(self.port)], check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=90)

    def cli(self, port, *words):
        return subprocess.run(["redis-cli", "-p", str(port), *words], check=True, capture_output=True, text=True,
                              timeout=20).stdout.strip()

    def pid(self, folder):
        with open(os.path.join(self.dir, folder, "pid")) as f:
            return int(f.read())


class Scale(lib.StackTest):
    def basic_flow(self, s):
        """Several sessions, so that more than one shard is used: poll, stream, waiting POST, burst, DELETE."""
        sids = [s.register(port=port) for port in s.ports for _ in range(6)]
        for i, sid in enumerate(sids):
            port, other = s.ports[i % len(s.ports)], s.ports[(i + 1) % len(s.ports)]
            posted = s.post(job("w%d" % i, "echo", i=i), sid=sid, wait=20, port=port)
            self.assertEqual([r["status"] for r in posted.replies], [True, True])
            # Same gateway: its request follows the one that took the handed-over result out of the outbox.
            self.assertEqual(s.poll(sid, wait=0, port=port)[1], [])
            with s.sse(sid, port=other) as stream:
                self.assertEqual(stream.status, 200)
                s.post(job("b%d" % i, "burst", n=3), sid=sid, port=port)
                got = [stream.next_event(20) for _ in range(4)]
            self.assertEqual([e.data["object"] for e in got], [{"i": 0}, {"i": 1}, {"i": 2}, {"n": 3}])
            cursor, messages = s.poll(sid, got[1].id, wait=5, port=other)
            self.assertEqual(len(messages), 2)
            parked = []
            t = threading.Thread(target=lambda a=sid, b=cursor, c=other: parked.append(s.poll(a, b, wait=30, port=c)))
            t.start()
            s.post(job("p%d" % i), sid=sid, port=port)
            t.join(30)
            self.assertEqual([m["rid"] for m in parked[0][1]], ["p%d" % i])
            self.assertEqual(s.http("DELETE", "%s/%s" % (s.base, sid), port=port).status, 204)
            self.assertEqual(s.http("GET", "%s/%s" % (s.base, sid), port=other).status, 404)

    def books(self, s, faults=None, duplicates=False, seconds=3, sessions=8):
        book = ledger.Ledger(s, sessions=sessions, seed=ledger.seed(), pause=0.01)
        book.start(posters=2)
        if faults:
            faults(book)
        else:
            time.sleep(seconds)  # the load's length
        book.finish()
        book.check(self, duplicates=duplicates)
        note(book.told())
        return book


class Shards(Scale):
    def test_one_redis(self):
        s = self.stack(platforms=["dummy"], gateways=2, workers=2, config={"shards": 4})
        self.basic_flow(s)
        self.books(s)
        used = {k.split(b"}")[0] for k in s.redis("KEYS", "sh:{*}:s:*")}
        self.assertGreater(len(used), 1)

    def test_a_worker_killed(self):
        s = self.stack(platforms=["dummy"], workers=2, config={"shards": 4})

        def faults(book):
            book.wait_confirmed(300)
            s.workers["dummy"][0].kill()
            book.wait_confirmed(600)
        self.books(s, faults, duplicates=True)


class Cluster(Scale):
    def cluster_stack(self, **kw):
        server = Server(self, "redis-cluster", 6)
        config = {"redis": "redis://127.0.0.1:%d" % server.port, "shards": 8, "log": {"level": "debug"}}
        return server, self.stack(platforms=["dummy"], gateways=2, workers=2, redis=False, config=config, **kw)

    def test_flow(self):
        server, s = self.cluster_stack()
        self.basic_flow(s)
        self.books(s)
        per_node = [int(server.cli(server.port + i, "DBSIZE")) for i in range(3)]
        note("keys per node %r" % per_node)
        self.assertTrue(all(per_node), "each node has some")

    def test_a_worker_killed(self):
        _, s = self.cluster_stack()

        def faults(book):
            book.wait_confirmed(300)
            s.workers["dummy"][0].kill()
            book.wait_confirmed(600)
        self.books(s, faults, duplicates=True)

    def test_slots_move(self):
        """All slots of one node move to another while jobs are posted."""
        server, s = self.cluster_stack()

        def faults(book):
            book.wait_confirmed(200)
            # The ids of source and target, in the order of the ports.
            ids = [server.cli(server.port + i, "CLUSTER", "MYID") for i in range(3)]
            began = time.monotonic()
            subprocess.run(["redis-cli", "--cluster", "reshard", "127.0.0.1:%d" % server.port, "--cluster-from", ids[1],
                            "--cluster-to", ids[2], "--cluster-slots", "5462", "--cluster-yes", "--cluster-pipeline",
                            "100"], check=True, stdout=subprocess.DEVNULL, timeout=120)
            note("resharded in %.1f s" % (time.monotonic() - began))
            book.wait_confirmed(len(book.confirmed) + 300)
        self.books(s, faults, duplicates=True)
        mine = [x for x in server.cli(server.port + 1, "CLUSTER", "NODES").splitlines() if "myself" in x][0]
        self.assertEqual(len(mine.split()), 8, "slots left: %s" % mine)


class Sentinel(Scale):
    def sentinel_stack(self):
        server = Server(self, "redis-sentinel", 5)
        sentinels = ",".join("127.0.0.1:%d" % (server.port + i) for i in (2, 3, 4))
        return server, self.stack(platforms=["dummy"], gateways=2, workers=2, redis=False, config={
            "redis": "sentinel://%s/test" % sentinels})

    def until_failed_over(self, server, began):
        def is_master():
            # A sentinel that makes a replica the master closes all its clients' connections, also the one that asks.
            try:
                return "role:master" in server.cli(server.port + 1, "INFO", "replication")
            except subprocess.CalledProcessError:
                return False
        lib.until("the replica is the master", is_master, 30)
        note("fail-over after %.1f s" % (time.monotonic() - began))

    def test_master_killed(self):
        """Replication is asynchronous: what was confirmed in the last moment may be lost, whoever asks. So
        nothing is posted at that moment; before and after, the books are kept as ever."""
        server, s = self.sentinel_stack()
        self.basic_flow(s)
        book = ledger.Ledger(s, sessions=4, seed=ledger.seed(), pause=0.01)
        book.start(posters=2)
        book.wait_confirmed(300)
        book.quiet()
        lib.until("all results are there", lambda: not book.missing(), 20)
        lib.until("the replica has all", lambda: server.cli(server.port, "WAIT", "1", "1000") == "1")
        began = time.monotonic()
        os.kill(server.pid(str(server.port)), signal.SIGKILL)
        self.until_failed_over(server, began)
        for port in s.ports:
            s.wait_ready(port)
        note("ready after %.1f s" % (time.monotonic() - began))
        book.finish()
        book.check(self, duplicates=False)
        note(book.told())
        self.books(s)
        status = s.run("sockethubctl", "status", "--config", s.conf_path)
        self.assertEqual(status.returncode, 0, status.stdout + status.stderr)

    def test_master_hangs(self):
        """Who waits at the old master is moved to the new one, although nothing has told it that the old one is gone."""
        server, s = self.sentinel_stack()
        sid = s.register()
        stream = s.sse(sid, timeout=60)
        self.assertTrue(s.post(job("before"), sid=sid).replies[0]["status"])
        self.assertEqual(stream.next_event().data["rid"], "before")
        old = server.pid(str(server.port))
        began = time.monotonic()
        os.kill(old, signal.SIGSTOP)
        self.addCleanup(os.kill, old, signal.SIGCONT)
        self.until_failed_over(server, began)

        def works():
            posted = s.post(job("after"), sid=sid)
            return posted.status == 200 and posted.replies[0]["status"]
        lib.until("jobs are taken", works, 40, step=0.2)
        self.assertEqual(stream.next_event(10).data["rid"], "after")
        note("works after %.1f s" % (time.monotonic() - began))
        stream.close()


if __name__ == "__main__":
    lib.main()
