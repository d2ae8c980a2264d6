# SPDX-License-Identifier: MIT
"""Getting connected, staying connected, and being told why not."""

import contextlib
import os
import socket
import ssl
import threading

import lib
import xmpp
import xmpp_scripted


class Connecting(xmpp.XmppTest):
    def refused(self, stack, *words, jid=None, **credentials):
        jid = jid or self.server.user()
        page = xmpp.Page(stack, jid, self.server.credentials(jid, resource="web", **credentials))
        message = page.fails("send", "u0@localhost", {"text": "x"})
        self.assertTrue(message.startswith("failed connecting %s/web : " % jid), message)
        for word in words:
            self.assertIn(word, message)
        return message

    def test_reasons(self):
        """Each its own, none with a secret in it, and the next job may try again."""
        s = self.xmpp({"connect_timeout_s": 5})
        messages = {
            self.refused(s, "refused the credentials", password="wrong-secret"),
            self.refused(s, "nowhere.invalid", server="nowhere.invalid"),
            self.refused(s, port=lib.free_port()),
            self.refused(s, jid="nobody@localhost").replace("nobody", "x"),
        }
        self.assertEqual(4, len(messages), messages)
        for message in messages:
            self.assertNotIn("secret", message)
        self.assertNotIn("secret", s.workers["xmpp"][0].log())
        page = self.page(s)
        page.do("connect")

    def test_wrong_password_again_and_again(self):
        """A page that tries it in a loop costs the server one log-in."""
        s = self.xmpp()
        jid = self.server.user()
        page = self.page(s, jid, password="wrong")
        messages = [page.fails("connect") for _ in range(5)]
        self.assertIn("refused the credentials", messages[0])
        for message in messages[1:]:
            self.assertTrue(message.startswith("failed connecting %s/" % jid), message)
            self.assertIn("a moment ago", message)
        self.assertEqual(1, len(s.workers["xmpp"][0].events("xmpp.offline")))
        # Whoever has the right one does not have to wait.
        self.page(s, jid).do("connect")

    def old_server(self, version):
        """TLS from the first byte, in no newer version than this; a port."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        context.load_cert_chain(os.path.join(self.server.dir, "cert.pem"), os.path.join(self.server.dir, "key.pem"))
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve():
            with contextlib.suppress(OSError):
                peer, _ = server.accept()
                with peer, context.wrap_socket(peer, server_side=True) as secured:
                    secured.recv(1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        return server.getsockname()[1]

    def test_old_tls(self):
        s = self.xmpp()
        self.refused(s, "no encrypted connection", port=self.old_server(ssl.TLSVersion.TLSv1_1), tls=True)
        self.refused(s, "during the log-in", port=self.old_server(ssl.TLSVersion.TLSv1_2), tls=True)

    def test_untrusted_certificate(self):
        s = self.stack(platforms={"xmpp": {}}, config=xmpp.ALLOW)
        untrusted = self.refused(s, "certificate")
        # The certificate is right, but not for this domain.
        s = self.xmpp()
        wrong = self.refused(s, jid="u0@example.org")
        self.assertNotEqual(untrusted, wrong)
        # The operator may say that it does not matter.
        s = self.stack(platforms={"xmpp": {"verify": False}}, config=xmpp.ALLOW)
        self.page(s).do("connect")

    def test_outbound_rule(self):
        s = self.xmpp(config={"outbound": {"allow": []}})
        self.refused(s, "allowed")

    def test_direct_tls(self):
        s = self.xmpp()
        jid = self.server.user()
        page = xmpp.Page(s, jid, {**self.server.credentials(jid), "port": self.server.port + 1, "tls": True})
        page.do("connect")

    def test_forms_of_credentials(self):
        s = self.xmpp()
        jid = self.server.user()
        local = jid.partition("@")[0]
        # The classic way: the server completes the address, and is where to connect to.
        page = xmpp.Page(s, jid, {"objectType": "credentials", "username": local, "password": "secret",
                                  "server": "localhost", "resource": "web", "port": self.server.port})
        self.assertEqual(jid + "/web", page.do("connect")["address"])
        for bad in ({"password": "secret"}, {"username": "no-domain", "password": "secret"},
                    {"username": "a b@localhost", "password": "secret"}, {"username": jid},
                    {"username": jid, "password": "secret", "port": 70000},
                    {"username": jid + "/web", "password": "secret"}):
            with self.assertRaises(AssertionError):
                xmpp.Page(s, jid, {"objectType": "credentials", **bad})

    def test_address_that_is_none(self):
        """What the schema lets pass and no JID can be: the account cannot even be opened, and the worker lives on."""
        s = self.xmpp()
        page = self.page(s, "a\u202eb@localhost")
        self.assertIn("character", page.fails("connect"))
        self.assertIn("character", page.fails("connect"))
        self.page(s).do("connect")

    def test_another_password_does_not_touch(self):
        s = self.xmpp()
        jid = self.server.user()
        good = self.page(s, jid, resource="web")
        good.do("connect")
        bad = self.page(s, jid, resource="web", password="wrong")
        self.assertIn("failed connecting", bad.fails("send", "u0@localhost", {"text": "x"}))
        good.do("send", jid, {"text": "still here"})
        self.assertEqual([], [m for m in good.drain() if m["verb"] in ("connect", "close", "error")])
        self.assertEqual([], bad.drain())

    def test_linger(self):
        s = self.xmpp(config={"session": {"linger_s": 1}})
        jid, watcher = self.server.user(), self.peer()
        page = self.page(s, jid)
        self.friends(page, watcher)
        s.http("DELETE", "%s/%s" % (s.base, page.sid))
        watcher.expect_in("presence", type="unavailable")
        s.workers["xmpp"][0].wait_event("instance.close")

    def test_disconnect(self):
        s = self.xmpp()
        jid, watcher = self.server.user(), self.peer()
        one, two = self.page(s, jid, resource="web"), self.page(s, jid, resource="web")
        self.friends(one, watcher)
        two.do("connect")
        one.do("disconnect")
        watcher.expect_in("presence", type="unavailable")
        for page in (one, two):
            self.assertEqual(jid, page.expect_verb("close")["actor"]["address"])
        # The next job opens it again.
        two.do("send", watcher.jid, {"text": "back"})
        watcher.expect_in("message", body="back")

    def test_conflict(self):
        """Another client takes the resource: one error, and no fight."""
        s = self.xmpp()
        jid = self.server.user()
        page = self.page(s, jid, resource="web")
        page.do("connect")
        other = self.peer(jid + "/web")
        m = page.expect_verb("error")
        self.assertEqual("conflict", m["object"]["condition"])
        page.expect_verb("close")
        s.workers["xmpp"][0].wait_event("instance.close")
        other.do("ping", to="localhost")
        self.assertNotIn("error", other.expect_answer("ping"))
        self.assertEqual([], [m for m in page.drain() if m["verb"] in ("error", "close", "connect")])
        self.assertEqual(1, len(s.workers["xmpp"][0].events("xmpp.online")))


class Hostile(xmpp.XmppTest):
    def test_stream_never_lasts(self):
        """Longer and longer pauses, and an end, although each log-in succeeds."""
        s = self.xmpp({"reconnect_max_s": 20, "give_up_s": 3})
        jid = self.server.user()
        log_ins = []
        # It lets everybody in, and shows them out at once.
        server = xmpp_scripted.Scripted(self, self.server.dir, lambda c: log_ins.append(c.log_in()))
        page = xmpp.Page(s, jid, server.credentials(jid))
        s.post(page.job("connect"), sid=page.sid)
        page.expect_verb("connect", status="reconnecting")
        page.expect_verb("connect", status="online")
        page.expect_verb("connect", status="failed")
        page.expect_verb("close")
        s.workers["xmpp"][0].wait_event("instance.close")
        # The first, and those after pauses of at least 0.5, 1 and 2 seconds.
        self.assertLessEqual(len(log_ins), 4)


class Staying(xmpp.XmppTest):
    """Each with a server of its own, since it is stopped."""

    def setUp(self):
        self.server = xmpp.Prosody(users=6)
        self.addCleanup(self.server.close)
        self.room = "staying@" + xmpp.MUC

    @classmethod
    def setUpClass(cls):
        pass

    def lived_through(self, end):
        s = self.xmpp({"reconnect_max_s": 1})
        page = self.page(s, resource="web")
        page.do("join", self.room + "/Anne")
        page.do("update", None, {"show": "dnd", "status": "working", "roster": False})
        end()
        m = page.expect_verb("connect", status="reconnecting")
        self.assertEqual(page.actor, m["actor"]["address"])
        self.assertTrue(m["object"]["text"])
        # A job that comes now waits for the stream.
        job = page.job("observe", self.room)
        s.post(job, sid=page.sid)
        self.server.start()
        page.expect_verb("connect", status="online")
        page.expect("own join", lambda m: m["verb"] == "join" and m["object"].get("own")
                    and m["object"]["state"] == "dnd")
        page.expect_verb("observe")
        peer = self.peer()
        peer.do("join", room=self.room, nick="peer")
        self.assertNotIn("error", peer.expect_answer("join"))
        peer.expect_in("presence", "<show>dnd</show>", **{"from": self.room + "/Anne"})
        page.do("send", self.room, {"text": "still here"})
        peer.expect_in("message", body="still here")
        return s, page

    def test_restart(self):
        self.lived_through(self.server.stop)

    def test_crash(self):
        self.lived_through(self.server.kill)

    def test_given_up(self):
        s = self.xmpp({"reconnect_max_s": 1, "give_up_s": 2})
        page = self.page(s)
        page.do("connect")
        self.server.stop()
        page.expect_verb("connect", status="reconnecting")
        page.expect_verb("connect", status="failed")
        page.expect_verb("close")
        self.assertIn("failed connecting", page.fails("send", "u0@localhost", {"text": "x"}))
        # And when it is back, so is the account.
        self.server.start()
        page.do("connect")

    def test_password_changed_meanwhile(self):
        s = self.xmpp({"reconnect_max_s": 1})
        page = self.page(s)
        page.do("connect")
        self.server.stop()
        page.expect_verb("connect", status="reconnecting")
        path = os.path.join(self.server.dir, "data/localhost/accounts/%s.dat" % page.actor.partition("@")[0])
        with open(path, "w") as f:
            f.write('return { ["password"] = "another"; };')
        self.server.env["XMPP_USERS"] = "u5"  # start.sh shall not write it anew
        self.server.start()
        m = page.expect_verb("connect", status="failed")
        self.assertEqual("auth", m["object"]["condition"])
        page.expect_verb("close")

    def test_worker_dies(self):
        """Another worker brings the account back by itself, with its room and its presence."""
        s = self.xmpp()
        page = self.page(s, resource="web")
        page.do("join", self.room + "/Anne")
        page.do("update", None, {"show": "away", "roster": False})
        s.start_worker("xmpp").wait_event("worker.ready")
        s.workers["xmpp"][0].kill()
        m = page.expect_verb("connect", status="online")
        self.assertTrue(m["object"]["restored"])
        page.expect("own join", lambda m: m["verb"] == "join" and m["object"].get("own")
                    and m["object"]["state"] == "away")
        page.do("send", self.room, {"text": "as before"})
        page.expect_verb("send", text="as before", own=True)


if __name__ == "__main__":
    lib.main()
