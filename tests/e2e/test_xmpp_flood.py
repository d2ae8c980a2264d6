# SPDX-License-Identifier: MIT
"""Servers that send without end, or never answer: what they do to others on the same worker, and to its memory."""

import itertools
import signal
import socket
import threading

import lib
import xmpp
import xmpp_scripted

BODY = 60000


def message(text):
    return "<message from='b@localhost/x' to='a@localhost' type='chat'><body>%s</body></message>" % text


class Flood(xmpp.XmppTest):
    def setUp(self):
        self.go, self.sent = threading.Event(), 0

    def flooded(self, stack, texts):
        """A page whose server sends a message for each text, once self.go is set."""
        def play(connection, _jid):
            threading.Thread(target=self.ignore, args=(connection,), daemon=True).start()
            self.go.wait()
            for text in texts:
                connection.send(message(text))
                self.sent += 1
            self.go.clear()
            self.go.wait()
        server = xmpp_scripted.Scripted(self, self.server.dir, play)
        self.addCleanup(self.go.set)
        page = xmpp.Page(stack, "a@localhost", server.credentials("a@localhost"))
        page.do("connect")
        return page

    @staticmethod
    def ignore(connection):
        try:
            connection.ignore()
        except OSError:
            pass

    def stalled(self):
        """It is held back: nothing more is taken for a while."""
        before, self.looked = getattr(self, "looked", None), self.sent
        return before == self.sent > 0

    def test_redis_hangs(self):
        """The server waits meanwhile, and nothing is lost."""
        n = 800
        s = self.xmpp(config={"limits": {"outbox_bytes": 2 * n * BODY}})
        page = self.flooded(s, ("%d %s" % (i, "x" * BODY) for i in range(n)))
        s.redis.process.signal(signal.SIGSTOP)
        try:
            self.go.set()
            lib.until("the server has to wait", self.stalled, 60, step=3)
            self.assertLess(self.sent, n / 2)
        finally:
            s.redis.process.signal(signal.SIGCONT)
        told = []
        while len(told) < n or told[-1] != n - 1:
            told.append(int(page.expect_verb("send")["object"]["text"].split()[0]))
        # Whatever the connection to Redis went through: in order, and again only from some point on.
        self.assertEqual(list(range(n)), sorted(set(told)))
        self.assertTrue(all(b <= a + 1 for a, b in zip(told, told[1:])))

    def test_nobody_reads(self):
        """Who does not read is told what was lost, others' jobs are done meanwhile, and who reads gets what comes then."""
        s = self.xmpp(config={"limits": {"outbox": 16}})
        page = self.flooded(s, (str(i) for i in itertools.count()))
        other = self.page(s)
        self.go.set()
        lib.until("much more than fits", lambda: self.sent > 2000)
        for _ in range(5):
            other.do("update", None, {"show": "away", "roster": False})
        page.expect_verb("error")
        seen = []

        def newer():
            seen.extend(int(m["object"]["text"]) for m in page.drain() if m["verb"] == "send")
            return seen and seen[-1] > 2000
        lib.until("what came later", newer, 60)
        self.assertEqual(sorted(set(seen)), seen)

    def test_never_answers(self):
        """Its jobs wait, and when there are many the next ones are refused; another account has room."""
        s = self.xmpp({"concurrency": 60, "connect_timeout_s": 300}, config={"limits": {"jobs_per_s": 100000}})
        with socket.create_server(("127.0.0.1", 0), backlog=20) as hole:
            page = xmpp.Page(s, "a@localhost", self.server.credentials("a@localhost", port=hole.getsockname()[1]))
            jobs = [page.job("connect") for _ in range(100)]
            self.assertEqual(200, s.post(jobs, sid=page.sid).status)
            refused = []

            def most():
                page.cursor, more = s.poll(page.sid, page.cursor, wait=1)
                refused.extend(more)
                return len(refused) >= 85
            lib.until("most are refused", most, 30)
            self.assertEqual({"too many jobs of this account are waiting (platforms.xmpp.concurrency), try again later"},
                             {m["message"] for m in refused})
            # Every fourth place of those that are left: 12 of 60, when 12 are there already.
            self.assertEqual(100 - 12, len(refused))
            self.page(s).do("connect")


if __name__ == "__main__":
    lib.main()
