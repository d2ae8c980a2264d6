# SPDX-License-Identifier: MIT
"""Many clients that wait: long polls, streams, clients that leave, and one that does not read."""

import asyncio
import http.client
import json
import os
import random
import resource
import socket
import time

import ledger
import lib
from ledger import job, note

N = 1000


def more_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = 3 * N + 500
    if soft < want:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want if hard == resource.RLIM_INFINITY else min(want, hard), hard))


def status_of(pid, field):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


class Client:
    """One connection without a thread: a request goes out, lines come in."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None
        self.status = None

    async def ask(self, method, path, body=b"", accept="*/*"):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = "%s %s HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n" % (method, path, accept)
        if method == "POST":
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self.writer.write(head.encode() + b"\r\n" + body)
        await self.writer.drain()
        return self

    async def head(self):
        self.status = int((await self.reader.readline()).split()[1])
        length = None
        while True:
            line = (await self.reader.readline()).strip().lower()
            if not line:
                return length
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])

    async def answer(self):
        return json.loads(await self.reader.readexactly(await self.head()))

    async def event(self):
        """The next message of an NDJSON stream; a short one is never cut by the chunks."""
        while True:
            line = await self.reader.readline()
            if not line:
                raise EOFError
            if line.startswith(b"{"):
                return json.loads(line)

    def close(self):
        if self.writer:
            self.writer.close()


async def all_of(makers, at_once=64):
    """Runs coroutines, a bounded number at a time, in order of their results."""
    gate = asyncio.Semaphore(at_once)

    async def one(make):
        async with gate:
            return await make()
    return await asyncio.gather(*(one(m) for m in makers))


class Parked(lib.StackTest):
    def make(self, **limits):
        more_descriptors()
        self.admin = lib.free_port()
        # AddressSanitizer keeps freed memory for a while; by default that is more than what is measured here.
        return self.stack(platforms=["dummy"], env={"ASAN_OPTIONS": "quarantine_size_mb=4"}, config={
            "admin": "127.0.0.1:%d" % self.admin, "log": {"level": "info"},
            "limits": dict({"sessions": 10000, "connections": 8000}, **limits)})

    def subscribed(self, s):
        text = s.http("GET", "/metrics", port=self.admin).body.decode()
        return int([x for x in text.splitlines() if x.startswith("sockethub_sessions_subscribed ")][0].split()[1])

    def descriptors(self, s):
        return len(os.listdir("/proc/%d/fd" % s.gateways[0].pid))

    async def sessions(self, s, n):
        body = json.dumps({"rid": 0, "platform": "dispatcher", "verb": "register",
                           "object": {"secret": lib.SECRET}}).encode()

        async def one():
            client = await Client(s.port).ask("POST", s.base, body)
            sid = None
            client.status = int((await client.reader.readline()).split()[1])
            while True:
                line = (await client.reader.readline()).decode().strip()
                if not line:
                    break
                if line.lower().startswith("sockethub-session:"):
                    sid = line.split(":")[1].strip()
            client.close()
            return sid
        return await all_of([one] * n)

    async def echo(self, s, sids, shuffled):
        async def one(i):
            client = await Client(s.port).ask("POST", s.base + "/" + sids[i],
                                              json.dumps(job(i, "echo", n=i)).encode())
            replies = await client.answer()
            client.close()
            self.assertEqual([r["status"] for r in replies], [True])
        await all_of([lambda i=i: one(i) for i in shuffled])

    async def wait_subscribed(self, s, n):
        """Until so many clients wait. A loop of its own: polling the metrics must not stop the clients."""
        end = time.monotonic() + 60
        while self.subscribed(s) < n:
            self.assertLess(time.monotonic(), end, "only %d of %d wait" % (self.subscribed(s), n))
            await asyncio.sleep(0.05)

    def test_polls(self):
        s = self.make()
        asyncio.run(self.run_polls(s))

    async def run_polls(self, s):
        pid = s.gateways[0].pid
        sids = await self.sessions(s, N)
        before = status_of(pid, "VmRSS")
        clients = await all_of([lambda x=x: Client(s.port).ask("GET", "%s/%s?wait=60" % (s.base, x)) for x in sids])
        await self.wait_subscribed(s, N)
        note("%d polls: %d threads, %.1f kB each" % (N, status_of(pid, "Threads"),
                                                       (status_of(pid, "VmRSS") - before) / N))
        self.assertLessEqual(status_of(pid, "Threads"), 16)
        order = list(range(N))
        random.Random(ledger.seed()).shuffle(order)
        began = time.monotonic()
        posting = asyncio.create_task(self.echo(s, sids, order))
        answers = await asyncio.wait_for(asyncio.gather(*(c.answer() for c in clients)), 120)
        note("all answered in %.2f s" % (time.monotonic() - began))
        await posting
        for i, answer in enumerate(answers):
            self.assertEqual([(m["rid"], m["object"]) for m in answer["messages"]], [(i, {"n": i})])
        for c in clients:
            c.close()

    def test_streams_and_leaving(self):
        s = self.make()
        asyncio.run(self.run_streams(s))

    async def run_streams(self, s):
        pid = s.gateways[0].pid
        sids = await self.sessions(s, N)
        idle = self.descriptors(s)
        before = status_of(pid, "VmRSS")

        async def open_one(sid):
            client = await Client(s.port).ask("GET", "%s/%s/stream" % (s.base, sid), accept="application/x-ndjson")
            await client.head()
            self.assertEqual(client.status, 200)
            return client
        clients = await all_of([lambda x=x: open_one(x) for x in sids])
        await self.wait_subscribed(s, N)
        note("%d streams: %d threads, %.1f kB each" % (N, status_of(pid, "Threads"),
                                                         (status_of(pid, "VmRSS") - before) / N))
        self.assertLessEqual(status_of(pid, "Threads"), 16)
        order = list(range(N))
        random.Random(ledger.seed()).shuffle(order)
        began = time.monotonic()
        posting = asyncio.create_task(self.echo(s, sids, order))
        events = await asyncio.wait_for(asyncio.gather(*(c.event() for c in clients)), 120)
        note("all told in %.2f s" % (time.monotonic() - began))
        await posting
        self.assertEqual([(e["rid"], e["object"]) for e in events], [(i, {"n": i}) for i in range(N)])
        for c in clients[:N // 2]:  # half of them leave without a word
            c.close()
        began = time.monotonic()
        while self.descriptors(s) > idle + N // 2 + 50:
            self.assertLess(time.monotonic() - began, 20, "%d descriptors" % self.descriptors(s))
            await asyncio.sleep(0.05)
        while self.subscribed(s) > N // 2:
            self.assertLess(time.monotonic() - began, 40, "%d subscribed" % self.subscribed(s))
            await asyncio.sleep(0.1)
        note("leaving noticed, subscriptions gone after %.1f s" % (time.monotonic() - began))
        await self.echo(s, sids, range(N // 2, N))
        events = await asyncio.wait_for(asyncio.gather(*(c.event() for c in clients[N // 2:])), 60)
        self.assertEqual([e["rid"] for e in events], list(range(N // 2, N)))
        for c in clients[N // 2:]:
            c.close()

    def test_slow_reader(self):
        """20,000 messages of about 1 kB for a stream that nobody reads: the gateway does not grow with them, another
        session is not slowed, and then all of it is read, in order."""
        messages, per_job = 20000, 100
        s = self.make(outbox=50000, outbox_bytes=200 << 20)
        pid = s.gateways[0].pid
        slow, other = s.register(), s.register()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.connect(("127.0.0.1", s.port))
        sock.sendall(("GET %s/%s/stream HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n" % (
            s.base, slow)).encode())
        lib.until("it is subscribed", lambda: self.subscribed(s) == 1)
        self.assertTrue(s.post(job("warm"), sid=other, wait=5).replies[-1]["status"])
        before = status_of(pid, "VmRSS")
        text = "x" * 900
        worst, posted = 0, 0
        while posted < messages:
            reply = s.post([job(posted + i, "echo", text=text) for i in range(per_job)], sid=slow)
            self.assertEqual([r["status"] for r in reply.replies], [True] * per_job)
            posted += per_job
            if posted % 1000 == 0:
                began = time.monotonic()
                self.assertTrue(s.post(job("o%d" % posted), sid=other, wait=10).replies[-1]["status"])
                worst = max(worst, time.monotonic() - began)
        length = "sh:{0}:o:*"
        lib.until("all are in the outbox", lambda: max(
            s.redis("XLEN", k) for k in s.redis("KEYS", length)) >= messages - 1000, 30)
        grown = status_of(pid, "VmRSS") - before
        note("%d messages unread: gateway grew by %d kB; another session's slowest answer %.0f ms" % (
            messages, grown, worst * 1000))
        self.assertLess(grown, 8192 if "address" not in lib.BUILD else 65536, "kB, for 20,000 kB unread")
        self.assertLess(worst, 5)
        sock.settimeout(30)
        stream = http.client.HTTPResponse(sock)
        stream.begin()
        expected = 0
        began = time.monotonic()
        while expected < messages:
            line = stream.readline()
            self.assertTrue(line, "the stream ended at %d" % expected)
            if line.startswith(b"{"):
                self.assertEqual(json.loads(line)["rid"], expected)
                expected += 1
        note("then read in %.1f s" % (time.monotonic() - began))
        stream.close()
        sock.close()


if __name__ == "__main__":
    lib.main()
