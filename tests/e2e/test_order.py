# SPDX-License-Identifier: MIT
"""Messages of a session come in the order in which the platform sent them, the result behind those that belong to it,
each once: over polls and streams, through one gateway or another."""

import threading

import lib
from client import Background, is_result, job

N = 1000


class Order(lib.StackTest):
    def check(self, messages, n=N, rid=1):
        self.assertEqual(list(range(n)) + [rid], [m["object"]["i"] if "rid" not in m else m["rid"] for m in messages])
        self.assertTrue(is_result(messages[-1], rid))
        self.assertEqual(n, messages[-1]["object"]["n"])

    def test_polls_with_small_limits(self):
        s = self.stack()
        sid = s.register()
        s.post(job(1, "burst", n=N), sid=sid)
        after, messages = None, []
        for limit in [1, 7, 64] * 100:
            after, more = s.poll(sid, after, wait=20, limit=limit)
            self.assertLessEqual(len(more), limit)
            messages += more
            if more and "rid" in more[-1]:
                break
        self.check(messages)
        self.assertEqual([], s.poll(sid, after, wait=0)[1])

    def test_stream(self):
        s = self.stack()
        for ndjson in (False, True):
            sid = s.register()
            with s.sse(sid, ndjson=ndjson) as stream:
                s.post(job(1, "burst", n=N), sid=sid)
                self.check([stream.next_event().data for _ in range(N + 1)])

    def test_slow_reader(self):
        """More than sockets and the gateway keep for a client: the rest waits in the outbox, in order."""
        s = self.stack(config={"limits": {"outbox": 100000}})
        sid = s.register()
        n = 20000
        with s.sse(sid, timeout=60) as stream:
            s.post(job(1, "burst", n=n), sid=sid)
            lib.until("the job is done", lambda: [k for k in s.redis("KEYS", "*:o:*") if s.redis("XLEN", k) > n], 60)
            events = [stream.next_event() for _ in range(n + 1)]
        self.check([e.data for e in events], n)
        ids = [tuple(map(int, e.id.split("-"))) for e in events]
        self.assertEqual(sorted(set(ids)), ids)

    def test_two_gateways(self):
        """Jobs go in at one, messages come out at both; every reader sees the same order."""
        s = self.stack(gateways=2, workers=2)
        one, two = s.ports
        sid = s.register(port=one)
        with s.sse(sid, port=one) as first, s.sse(sid, port=two) as second:
            s.post(job(1, "burst", n=N), sid=sid, port=two)
            events = [first.next_event() for _ in range(N + 1)]
            self.check([e.data for e in events])
            self.assertEqual(events, [second.next_event() for _ in range(N + 1)])
            messages, after, port = [], None, one
            while not messages or "rid" not in messages[-1]:
                after, more = s.poll(sid, after, wait=20, limit=37, port=port)
                messages += more
                port = one + two - port  # a cursor of one gateway is good at the other
            self.check(messages)
        # A result that one gateway waits for, of a job that ends while the other one looks.
        poll = Background(s.poll, sid, after, wait=20, port=two)
        posted = s.post(job(2, "delay", ms=300), sid=sid, wait=20, port=one)
        self.assertTrue(is_result(posted.replies[-1], 2))
        self.assertTrue(is_result(poll.result()[1][0], 2))
        # It is gone when the transport has it, which may be a moment after we do.
        lib.until("it is kept no longer", lambda: s.poll(sid, wait=0, port=two)[1] == [])

    def test_resume_again_and_again(self):
        """A client whose connection breaks at any moment and that resumes by the last event it saw."""
        s = self.stack(gateways=2)
        sid = s.register()
        s.post(job(1, "burst", n=N), sid=sid)
        seen, last, turn = [], None, 0
        while not seen or "rid" not in seen[-1]:
            with s.sse(sid, last_event_id=last, port=s.ports[turn % 2]) as stream:
                for _ in range(1 + turn * 7 % 120):
                    event = stream.next_event()
                    seen.append(event.data)
                    last = event.id
                    if "rid" in event.data:
                        break
            turn += 1
        self.check(seen)

    def test_many_sessions_at_once(self):
        s = self.stack(gateways=2, workers=2)
        wrong = []

        def client(i):
            try:
                port = s.ports[i % 2]
                sid = s.register(port=port)
                s.post([job(1, "burst", n=100), job(2, "echo", i=i)], sid=sid, port=port)
                messages = s.collect(sid, lambda m: len(m) >= 102, port=port, timeout=60)[1]
                mine = [m for m in messages if m.get("rid") != 2]
                self.check(mine, 100)
                self.assertEqual([i], [m["object"]["i"] for m in messages if m.get("rid") == 2])
                self.assertEqual(102, len(messages))
            except BaseException as e:  # reported by the test's own thread
                wrong.append(e)
        threads = [threading.Thread(target=client, args=(i,)) for i in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(90)
        self.assertEqual([], wrong)


if __name__ == "__main__":
    lib.main()
