# SPDX-License-Identifier: MIT
"""Sending mail through a real Exim; what arrived is read from Dovecot's mailbox with Python's email package."""

import base64

import lib
import mail


class Send(mail.MailTest):
    def sent(self, **how):
        """A stack, an account that may send, its address and user."""
        s, user = self.email(**how), self.user()
        return s, self.account(s, user, name="\u00c4nn"), user + "@localhost", user

    def test_text(self):
        s, ann, address, _ = self.sent()
        bob = self.user()
        got = ann.good("send", [{"address": bob + "@localhost", "name": "B\u00f6b"}], subject="H\u00e9llo", text="B\u00f6dy\n.\n..dots\n")
        self.assertEqual({"messageId", "date", "accepted"}, set(got))
        self.assertEqual([bob + "@localhost"], got["accepted"])
        m = self.arrives(bob)[0]
        self.assertEqual(("H\u00e9llo", "B\u00f6dy\n.\n..dots"), (m["Subject"], m.get_content().replace("\r\n", "\n").strip()))
        self.assertEqual(("\u00c4nn", address), (m["From"].addresses[0].display_name, m["From"].addresses[0].addr_spec))
        self.assertEqual(("B\u00f6b", bob + "@localhost"), (m["To"].addresses[0].display_name, m["To"].addresses[0].addr_spec))
        self.assertIn(got["messageId"].strip("<>"), m["Message-ID"])
        self.assertIsNotNone(m["Date"].datetime)

    def test_recipients_by_field(self):
        s, ann, _, _ = self.sent()
        users = [self.user() for _ in range(4)]
        fields = [None, "to", "cc", "bcc"]
        target = [{"address": u + "@localhost", **({"field": f} if f else {})} for u, f in zip(users, fields)]
        self.assertEqual({t["address"] for t in target}, set(ann.good("send", target, subject="All", text="x")["accepted"]))
        for user in users:
            m = self.arrives(user)[0]
            self.assertEqual([t["address"] for t in target[:2]], [a.addr_spec for a in m["To"].addresses])
            self.assertEqual([target[2]["address"]], [a.addr_spec for a in m["Cc"].addresses])
            self.assertIsNone(m["Bcc"])
            self.assertNotIn(users[3], str(m["Received"]) if user != users[3] else "")

    def test_html_and_attachments(self):
        s, ann, address, user = self.sent()
        png = b"\x89PNG\r\n\x1a\n\0\0"
        ann.good("send", [{"address": address}], subject="Rich", text="plain", html='<p>rich <img src="cid:pic"></p>',
                 headers={"replyTo": "other@localhost", "inReplyTo": "<q@localhost>", "references": "<p@localhost> <q@localhost>"},
                 attachments=[{"fileName": "p.png", "cid": "pic", "contentType": "image/png",
                               "contents": base64.b64encode(png).decode()},
                              {"fileName": "\u00fcber uns.txt", "contentType": "text/plain",
                               "contents": base64.b64encode(b"attached").decode()}])
        m = self.arrives(user)[0]
        self.assertEqual("plain", m.get_body(("plain",)).get_content().strip())
        self.assertIn("cid:pic", m.get_body(("html",)).get_content())
        self.assertEqual(("other@localhost", "<q@localhost>"), (m["Reply-To"].addresses[0].addr_spec, m["In-Reply-To"]))
        self.assertEqual(["<p@localhost>", "<q@localhost>"], m["References"].split())
        parts = {p.get_filename(): p for p in m.walk() if p.get_filename()}
        self.assertEqual({"p.png", "\u00fcber uns.txt"}, set(parts))
        self.assertEqual((png, "<pic>"), (parts["p.png"].get_payload(decode=True), parts["p.png"]["Content-ID"]))
        self.assertEqual(b"attached", parts["\u00fcber uns.txt"].get_payload(decode=True))
        # html alone: a text part is made of it.
        ann.good("send", [{"address": address}], subject="Html", html="<p>Only <b>html</b></p>")
        m = self.arrives(user, 2)[1]
        self.assertIn("Only html", m.get_body(("plain",)).get_content())

    def test_ways_to_connect(self):
        s, user = self.email(allow_plaintext=True), self.user()
        address = user + "@localhost"
        for n, block in enumerate((self.servers.block("smtp", user), self.servers.implicit("smtp", user),
                                   self.servers.block("smtp", user, starttls=None),
                                   self.servers.block("smtp", user, host="127.0.0.1", domain="client.example.org"))):
            with self.subTest(n):
                ann = self.account(s, user, smtp=block)
                ann.good("send", [{"address": address}], subject="Way %d" % n, text="x")
                self.assertEqual("Way %d" % n, self.arrives(user, n + 1)[n]["Subject"])

    def test_classic_form(self):
        """Form A of the credentials, no target array, `Name<address>` as actor."""
        s, user = self.email(), self.user()
        sid, address = s.register(), user + "@localhost"
        creds = {"smtp": {**self.servers.block("smtp", user)}, "actor": {"name": "Ann", "address": address}}
        posted = s.post({"rid": 1, "platform": "dispatcher", "verb": "set", "target": {"platform": "email"},
                         "object": {"credentials": {address: creds}}}, sid=sid)
        self.assertTrue(posted.replies[-1]["status"], posted)
        posted = s.post({"rid": 2, "platform": "email", "verb": "send", "actor": {"address": address, "name": "Ann"},
                         "target": {"address": address}, "object": {"subject": "Classic", "text": "x"}}, sid=sid, wait=30)
        self.assertTrue(posted.replies[-1]["status"], posted)
        self.assertEqual("Classic", self.arrives(user)[0]["Subject"])

    def test_refused_recipients(self):
        s, ann, address, user = self.sent()
        got = ann.good("send", [{"address": a} for a in (address, "bounce@localhost", "full@localhost")], subject="Some", text="x")
        self.assertEqual([address], got["accepted"])
        refused = {r["address"]: r for r in got["refused"]}
        self.assertEqual({"bounce@localhost": (550, False), "full@localhost": (452, True)},
                         {a: (r["code"], r["temporary"]) for a, r in refused.items()})
        self.assertIn("no such user", refused["bounce@localhost"]["text"])
        self.assertEqual("Some", self.arrives(user)[0]["Subject"])
        result = ann.run("send", {"subject": "None", "text": "x"}, [{"address": "bounce@localhost"}])
        self.assertFalse(result["status"])
        self.assertIn("550", result["message"])

    def test_bad_jobs(self):
        s, ann, address, user = self.sent()
        ok = [{"address": address}]
        for target, obj in (([], {"text": "x"}), ([{}], {"text": "x"}), ([{"address": "no at sign"}], {"text": "x"}),
                            ([{"address": "a@localhost\r\nX: y"}], {"text": "x"}),
                            ([{"address": "a@localhost>, <b@localhost"}], {"text": "x"}),
                            (ok, {"text": "x", "attachments": [{"fileName": "a", "filePath": "/etc/passwd"}]}),
                            (ok, {"text": "x", "attachments": [{"fileName": "a", "contents": "no base64!"}]})):
            with self.subTest(str((target, obj))):
                result = ann.run("send", obj, target)
                self.assertEqual((False, {}), (result["status"], result["object"]))
                self.assertTrue(result["message"])
        # A line end in a header's value can not begin a header, whatever becomes of it.
        ann.run("send", {"subject": "Two\r\nX-Injected: 1", "text": "x"}, ok)
        ann.good("send", ok, subject="Last", text="x")
        for m in self.arrives(user):
            self.assertIsNone(m["X-Injected"])
        lib.until("the last mail", lambda: any(m["Subject"] == "Last" for m in self.inbox(user)))

    def test_failures_are_distinct(self):
        s, user = self.email(), self.user()
        untrusting = self.email(ca_file="/etc/ssl/certs/ca-certificates.crt")
        closed = self.email(allow=[])
        smtp, texts = self.servers.block, []
        taken = lib.free_port()
        rows = ((s, smtp("smtp", user, password="wrong"), "refused user name or password"),
                (untrusting, smtp("smtp", user), "certificate"),
                (s, smtp("smtp", user, starttls=None, tls=True), None),  # TLS to a port that speaks first
                (s, smtp("smtp", user, starttls=False, tls=False), None),
                (s, smtp("smtp", user, host="no-such-host.invalid"), "no such host"),
                (s, smtp("smtp", user, port=taken), "could not connect"),
                (closed, smtp("smtp", user), "not allowed"), (closed, smtp("smtp", user, host="127.0.0.1"), "not allowed"))
        for stack, block, text in rows:
            with self.subTest(str({k: v for k, v in block.items() if k != "password"})):
                ann = self.account(stack, user, smtp=block)
                result = ann.run("send", {"subject": "No", "text": "x"}, [{"address": user + "@localhost"}])
                self.assertEqual((False, {}), (result["status"], result["object"]))
                self.assertIn(text or "", result["message"])
                self.assertNotIn(mail.PASSWORD, result["message"])
                texts.append(result["message"])
        self.assertEqual(len(set(texts)), len(texts) if texts[-1] != texts[-2] else len(texts) - 1, texts)
        self.assertEqual([], self.inbox(user))
        imap_only = self.account(s, user, imap=self.servers.block("imap", user))
        result = imap_only.run("send", {"text": "x"}, [{"address": "a@localhost"}])
        self.assertEqual("no smtp credentials found for address %s@localhost" % user, result["message"])

    def test_credentials_are_checked(self):
        s, user = self.email(), self.user()
        good = self.servers.block("smtp", user)
        sid = s.register()
        for bad in ({}, {"smtp": {}}, {"smtp": {"host": "a"}}, {"smtp": {**good, "password": None}}, {"smtp": {**good, "port": "25"}},
                    {"smtp": {**good, "secure": "yes"}}, {"imap": {**good, "domain": "x"}}, {"nntp": good},
                    {"smtp": {**good, "tls": "true"}}):
            bad = {k: {f: v for f, v in b.items() if v is not None} for k, b in bad.items()}
            with self.subTest(str(sorted(bad))):
                reply = s.post({"rid": 1, "platform": "email", "verb": "set", "target": {}, "actor": {"address": user},
                                "object": {"objectType": "credentials", **bad}}, sid=sid).replies[-1]
                self.assertFalse(reply["status"])
                self.assertTrue(reply["message"].startswith("invalid object format"), reply)
                self.assertNotIn(mail.PASSWORD, reply["message"])
        reply = s.post({"rid": 2, "platform": "email", "verb": "send", "actor": {"address": user},
                        "target": [{"address": "a@localhost"}], "object": {"text": "x"}}, sid=sid, wait=20).replies[-1]
        self.assertEqual("credentials not found", reply["message"])

    def test_large_mail(self):
        """As large as a request may be here, and there and back again unharmed."""
        s, ann, address, user = self.sent(config={"limits": {"body_bytes": 16777216}})
        data = bytes(range(256)) * 30000
        ann.good("send", [{"address": address}], subject="Large", text="x",
                 attachments=[{"fileName": "l.bin", "contents": base64.b64encode(data).decode()}])
        m = lib.until("the mail", lambda: self.inbox(user), 60, 0.2)[0]
        self.assertEqual(data, [p for p in m.iter_attachments()][0].get_content())


if __name__ == "__main__":
    lib.main()
