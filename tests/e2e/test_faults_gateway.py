# SPDX-License-Identifier: MIT
"""Gateways are killed, drained and replaced while clients wait: nothing is lost, nothing comes twice.
Random, with a printed seed (SOCKETHUB_SEED repeats one). What recovery took is printed, not judged."""

import random
import signal
import threading
import time

import ledger
import lib
from ledger import QUEUE, job, note


class Gateways(ledger.FaultTest):
    def test_killed_while_clients_wait(self):
        s = self.stack(platforms=["dummy"], gateways=2)
        doomed = s.gateways[0]
        book = self.book(s, sessions=4)
        streams = [ledger.StreamClient(s, s.register(), random.Random("%d-s%d" % (book.seed, i))) for i in range(4)]
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


if __name__ == "__main__":
    lib.main()
