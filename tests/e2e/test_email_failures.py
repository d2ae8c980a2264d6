# SPDX-License-Identifier: MIT
"""The table of failures of docs/platforms/email.md: each is provoked, says what the table says, and no secret."""

import base64
import contextlib
import socket
import threading

import lib
import mail

POP = [{"address": "pop"}]
TO = [{"address": "bob@localhost"}]
SECRET = "MARKsecret"


def relay(test, host, port):
    """A port of `host` behind which is `port` of localhost."""
    listener = socket.create_server((host, 0))
    test.addCleanup(listener.close)

    def copy(source, to):
        with contextlib.suppress(OSError), to:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_RDWR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, server = listener.accept()[0], socket.create_connection(("127.0.0.1", port))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


class Failures(mail.MailTest):
    def fails(self, account, text, verb="fetch", target=(), **obj):
        with self.subTest(text):
            result = account.run(verb, obj, target)
            self.assertFalse(result["status"], result)
            self.assertIn(text, result["message"])
            self.assertNotIn(SECRET, result["message"])
            self.assertEqual({}, result["object"])

    def test_credentials(self):
        s, user = self.email(), self.user()
        sid = s.register()
        reply = s.post({"rid": 1, "platform": "email", "verb": "fetch", "actor": {"address": "a@localhost"}, "target": [],
                        "object": {}}, sid=sid, wait=20).replies[-1]
        self.assertEqual((False, "credentials not found"), (reply["status"], reply["message"]))
        imap, smtp, pop = (self.servers.block(kind, user) for kind in ("imap", "smtp", "pop"))
        a = user + "@localhost"
        self.fails(self.account(s, user, imap=imap), "no smtp credentials found for address " + a, "send", TO)
        self.fails(self.account(s, user, imap=imap), "no pop credentials found for " + a, target=POP)
        self.fails(self.account(s, user, smtp=smtp), "no imap credentials found for " + a)
        wrong = {"password": SECRET}
        for kind, block, verb, target in (("imap", imap, "fetch", ()), ("pop", pop, "fetch", POP), ("smtp", smtp, "send", TO)):
            account = self.account(s, user, **{kind: {**block, **wrong}})
            for _ in range(2):
                self.fails(account, "localhost:%d refused user name or password: " % block["port"], verb, target)

    def test_connections(self):
        s, user = self.email(connect_timeout_ms=1500), self.user()
        silent = socket.socket()
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for kind, verb, target in (("imap", "fetch", ()), ("pop", "fetch", POP), ("smtp", "send", TO)):
            def account(**changes):
                return self.account(s, user, **{kind: self.servers.block(kind, user, **changes)})
            implicit = self.servers.implicit(kind, user)
            self.fails(account(port=implicit["port"]), "did not answer in time", verb, target)
            self.fails(account(tls=True, starttls=None), "no secure connection: ", verb, target)
            self.fails(account(starttls=False, tls=False),
                       "credentials: %s: a connection without TLS is not allowed here" % kind, verb, target)
            self.fails(account(host="no-such-host.invalid"), "no-such-host.invalid:", verb, target)
            self.fails(account(port=lib.free_port()), "could not connect to localhost:", verb, target)
            self.fails(account(port=silent.getsockname()[1]), "did not answer in time", verb, target)
            self.fails(account(host="10.0.0.1"), "the address 10.0.0.1 is not allowed", verb, target)
            # The certificate is for localhost and 127.0.0.1: both are as good, another address of the same server is not.
            port = self.servers.block(kind, user)["port"]
            other = account(host="127.0.0.2", port=relay(self, "127.0.0.2", port))
            self.fails(other, "no secure connection: ", verb, target)
            if kind != "smtp":
                account(host="127.0.0.1").good(verb, target)

    def test_jobs(self):
        s, user = self.email(folders=1, max_attachment_bytes=3000), self.user()
        self.append(user, mail.with_attachments(files=(("a.bin", b"x" * 9000),)), folder="INBOX")
        ann = self.account(s, user, **{kind: self.servers.block(kind, user) for kind in ("imap", "pop")})
        self.fails(ann, "the target's address has to be imap or pop", target=[{"address": "nntp"}])
        self.fails(ann, "folder INBOX: its UIDs are void", uid=1, uidValidity=7)
        self.fails(ann, "folder Nowhere: ", folder="Nowhere")
        self.fails(ann, "the attachment has 9000 bytes: ask for pieces", attachment={"uid": 1, "part": "2"})
        pieces = [ann.good("fetch", attachment={"uid": 1, "part": "2", "offset": at, "length": 3000})["contents"]
                  for at in range(0, 9000, 3000)]
        self.assertEqual(b"x" * 9000, base64.b64decode("".join(pieces)))
        self.fails(ann, "there is no mail with this uid", attachment={"uid": 77, "part": "2"})
        ann.good("observe")
        self.append(user, mail.text(), folder="Other")
        self.fails(ann, "1 folders of this account are observed already", "observe", folder="Other")
        self.fails(ann, "POP3 cannot search", target=POP, search={"from": "x"})
        self.fails(ann, "POP3 cannot select by date", target=POP, property="date", after="2026-01-01")
        self.fails(ann, "POP3 has no folders", target=POP, objectType="folders")
        self.fails(ann, "POP3 can delete mails, nothing else", "update", POP, objectType="flags", uid="x", add=["seen"])

    def test_larger_than_a_message(self):
        """An attachment within max_attachment_bytes, for which limits.message_bytes is too small."""
        s, user = self.email(config={"limits": {"message_bytes": 100000}}), self.user()
        self.append(user, mail.with_attachments(files=(("a.bin", b"x" * 300000),)))
        ann = self.account(s, user)
        self.fails(ann, "the result was larger than limits.message_bytes", attachment={"uid": 1, "part": "2"})
        self.assertEqual(60000, ann.good("fetch", attachment={"uid": 1, "part": "2", "offset": 3, "length": 60000})["length"])


if __name__ == "__main__":
    lib.main()
