# SPDX-License-Identifier: MIT
"""Servers that send without end, or never answer: what they do to others on the same worker, and to its memory."""

import itertools
import re
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
        def play(connection):
            connection.log_in()
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
        """Its jobs wait, ten for each that may be active; the next ones are refused, and another account has room."""
        s = self.xmpp({"concurrency": 4, "connect_timeout_s": 300}, config={"limits": {"jobs_per_s": 100000}})
        with socket.create_server(("127.0.0.1", 0), backlog=20) as hole:
            page = xmpp.Page(s, "a@localhost", self.server.credentials("a@localhost", port=hole.getsockname()[1]))
            jobs = [page.job("connect") for _ in range(100)]
            self.assertEqual(200, s.post(jobs, sid=page.sid).status)
            refused = []

            def most():
                page.cursor, more = s.poll(page.sid, page.cursor, wait=1)
                refused.extend(more)
                return len(refused) >= 60
            lib.until("most are refused", most, 30)
            self.assertEqual({"this worker is nearly full (platforms.xmpp.concurrency), and most of it with jobs of this account: "
                              "try again later"}, {m["message"] for m in refused})
            self.assertEqual(100 - 40, len(refused))
            self.page(s).do("connect")

    def test_refused_between(self):
        """A job that is refused at once, behind others that wait for their connection, lets nobody pass them."""
        bodies, jid = [], "a@localhost"

        def play(connection):
            self.sent += 1
            self.go.wait()
            connection.log_in()
            while True:
                stanza = connection.expect(r"(?s)<(message|iq)\b([^>]*?)(/>|>(.*?)</\1>)")
                if stanza.group(1) == "message":
                    bodies.append(re.search("<body>(.*)</body>", stanza.group(4)).group(1))
                elif "type=\"get\"" in stanza.group(2) or "type='get'" in stanza.group(2):
                    connection.send("<iq type='result' id='%s'/>" % re.search(r"\bid=.([^'\"]*)", stanza.group(2)).group(1))
        s = self.xmpp()
        server = xmpp_scripted.Scripted(self, self.server.dir, play)
        self.addCleanup(self.go.set)
        page = xmpp.Page(s, jid, server.credentials(jid))

        def send(text):
            return page.job("send", "b@localhost", {"text": text})
        # A fetch leaves no mark before it starts, a message does: they are not ready at the same moment.
        s.post([send("1"), page.job("fetch", "roster"), send("2"), page.job("fetch", "roster"), send("3")], sid=page.sid)
        lib.until("a connection", lambda: self.sent)
        bad = xmpp.Page(s, jid, {**server.credentials(jid), "username": "a\u202eb@localhost"}, sid=page.sid)
        self.assertIn("character", bad.fails("send", "b@localhost", {"text": "refused"}))
        xmpp.Page(s, jid, server.credentials(jid), sid=page.sid)
        s.post(send("4"), sid=page.sid)
        lib.until("it waits, too", lambda: s.redis("XLEN", "sh:{0}:q:xmpp") == 6)
        self.go.set()
        lib.until("all messages", lambda: len(bodies) >= 4, 20)
        self.assertEqual(["1", "2", "3", "4"], bodies)
        self.assertEqual(1, self.sent)


if __name__ == "__main__":
    lib.main()
