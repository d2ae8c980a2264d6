# SPDX-License-Identifier: MIT
"""Reading a mailbox by IMAP, from a real Dovecot: every selection, folders, attachments, failures."""

import base64
import os
import time

import lib
import mail

DAY = 86400
NOW = int(time.time())


class Fetch(mail.MailTest):
    def subjects(self, messages):
        return [m["object"].get("subject") for m in messages]

    def selected(self, ann, **obj):
        """The subjects' numbers that a selection gives, the result's status being true."""
        result, messages = ann.fetch(**obj)
        self.assertTrue(result["status"], result)
        self.assertEqual(len(messages), result["object"]["count"])
        return [int(subject.split()[-1]) for subject in self.subjects(messages)]

    def test_message(self):
        s, user = self.email(), self.user()
        self.append(user, mail.text("H\u00e9", "B\u00f6dy\r\n", to="Ann <ann@localhost>, c@localhost", Cc="d@localhost",
                                    Content_Type="text/plain; charset=utf-8"), flags=r"\Flagged")
        ann = self.account(s, user)
        result, messages = ann.fetch(includeBody=True)
        self.assertEqual({"folder", "total", "unseen", "uidValidity", "uidNext", "page", "perPage", "matches", "count"},
                         set(result["object"]))
        self.assertEqual((1, 1, 1, 1), tuple(result["object"][k] for k in ("total", "unseen", "matches", "count")))
        m = messages[0]
        self.assertEqual(("send", "email", True), (m["verb"], m["platform"], m["status"]))
        self.assertEqual({"address": "bob@localhost", "name": "Bob"}, m["actor"])
        self.assertEqual([("ann@localhost", "to"), ("c@localhost", "to"), ("d@localhost", "cc")],
                         [(t["address"], t["field"]) for t in m["target"]])
        o = m["object"]
        self.assertEqual(("H\u00e9", "B\u00f6dy", "INBOX", 1), (o["subject"], o["text"].strip(), o["imapBox"], o["imapSeqNo"]))
        self.assertEqual("2013-11-21T02:13:20.000Z", o["date"])
        self.assertIn("flagged", o["flags"])
        self.assertNotIn("seen", o["flags"])
        self.assertEqual((result["object"]["uidValidity"], result["object"]["uidNext"] - 1), (o["uidValidity"], o["uid"]))
        # Headers only is the default; nothing was marked as read by reading.
        result, messages = ann.fetch()
        self.assertNotIn("text", messages[0]["object"])
        self.assertEqual("H\u00e9", messages[0]["object"]["subject"])
        self.assertEqual(1, result["object"]["unseen"])

    def test_selections(self):
        s, user = self.email(), self.user()
        # An hour apart, the newest an hour ago: days change among them.
        self.append(user, *[mail.text("Mail %d" % i) for i in range(1, 31)], dates=[NOW - 3600 * (31 - i) for i in range(1, 31)])
        ann = self.account(s, user)

        def date(i, more=0):
            return (NOW - 3600 * (31 - i) + more) * 1000
        uid = {int(m["object"]["subject"].split()[-1]): m["object"]["uid"] for m in ann.fetch(perPage=30)[1]}
        for expected, obj in (
                (range(21, 31), {}), (range(11, 21), {"page": 2}), (range(1, 11), {"page": 3}), ([], {"page": 4}),
                (range(28, 31), {"perPage": 3}), ([1, 2], {"perPage": 4, "page": 8}),
                ([], {"page": 10000000, "perPage": 1000}), (range(1, 31), {"perPage": 1000}),
                ([29, 30], {"property": "seqno", "after": 28}), ([1, 2], {"property": "seqno", "before": 3}),
                ([6, 7], {"after": 5, "before": 8}), ([7], {"after": 5, "before": 8, "perPage": 1}),
                ([6], {"after": 5, "before": 8, "perPage": 1, "page": 2}), ([], {"after": 30}), ([], {"before": 1}),
                ([], {"after": 9, "before": 3}), ([6, 7], {"after": "5", "before": "8"}),
                ([29, 30], {"property": "uid", "after": uid[28]}), ([1, 2], {"property": "uid", "before": uid[3]}),
                ([6, 7], {"property": "uid", "after": uid[5], "before": uid[8]}), ([], {"property": "uid", "after": uid[30]}),
                ([], {"property": "uid", "after": uid[5], "before": uid[6]}), ([], {"property": "uid", "after": 4294967295}),
                ([29, 30], {"property": "date", "after": date(28)}), ([28, 29, 30], {"property": "date", "after": date(28, -1)}),
                ([1, 2], {"property": "date", "before": date(3)}), ([1, 2, 3], {"property": "date", "before": date(3, 1)}),
                ([6, 7], {"property": "date", "after": date(5), "before": date(8)}),
                ([], {"property": "uid", "after": uid[30], "search": {"since": date(1)}}),
                ([], {"property": "uid", "after": uid[30] + 9, "search": {"since": date(1), "unseen": True}}),
                ([29, 30], {"property": "uid", "after": uid[28], "search": {"since": date(5)}}),
                ([6, 7], {"property": "uid", "after": uid[3], "before": uid[8], "search": {"since": date(6)}}),
                (range(21, 31), {"property": "date", "after": 0}), (range(21, 31), {"property": "", "after": None}),
                ([5, 9], {"uid": [uid[9], uid[5], uid[5]]}), ([9], {"uid": uid[9]}), ([], {"uid": 99999}),
                ([30], {"search": {"since": date(30)}}), ([28, 29, 30], {"search": {"since": date(28)}}),
                ([7, 17, 27], {"search": {"subject": "7"}, "perPage": 3}), ([], {"search": {"subject": "none of them"}})):
            with self.subTest(str(obj)):
                self.assertEqual(list(expected), self.selected(ann, **obj))
        iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date(28) // 1000))
        self.assertEqual([29, 30], self.selected(ann, property="date", after=iso))
        result = ann.fetch(after=5, before=8, perPage=1)[0]["object"]
        self.assertEqual((30, 2, 1, 1), (result["total"], result["matches"], result["page"], result["count"]))

    def test_the_newest_at_any_time(self):
        """A connection that is kept does not keep what it knows: what others do in between counts."""
        s, user = self.email(), self.user()
        ann = self.account(s, user)
        for i in range(1, 6):
            imap = self.append(user, mail.text("Mail %d" % i))
            self.assertEqual(list(range(1, i + 1)), self.selected(ann))
            self.assertEqual([i], self.selected(ann, search={"unseen": True}, perPage=1))
            self.assertEqual((i, i), tuple(ann.fetch()[0]["object"][k] for k in ("total", "unseen")))
        imap.select()
        imap.store("1:2", "+FLAGS", r"(\Deleted)")
        imap.expunge()
        self.assertEqual([3, 4, 5], self.selected(ann))

    def test_search(self):
        s, user = self.email(), self.user()
        self.append(user, mail.text("One 1", "needle\r\n", sender="Zo\u00eb <zoe@localhost>"),
                    mail.text("Two 2", "hay \u00fcber\r\n", Content_Type="text/plain; charset=utf-8"))
        self.append(user, mail.text("Seen 3", to="only@localhost"), flags=r"\Seen")
        self.append(user, mail.text("Both 4"), flags=r"\Seen \Flagged \Answered")
        ann = self.account(s, user)
        for expected, search in (([1], {"from": "zoe@"}), ([3], {"to": "only"}), ([1], {"text": "NEEDLE"}),
                                 ([2], {"text": "\u00fcber"}), ([1, 2], {"unseen": True}), ([3, 4], {"unseen": False}),
                                 ([4], {"flagged": True}), ([1, 2, 3], {"flagged": False}), ([4], {"answered": True}),
                                 ([1], {"unseen": True, "subject": "one"}), ([], {"unseen": True, "flagged": True}),
                                 ([], {"subject": '"quoted" \\ (x)'}), ([4], {"subject": "Both", "from": "bob@localhost"})):
            with self.subTest(str(search)):
                self.assertEqual(expected, self.selected(ann, search=search))
        flags = {m["object"]["subject"]: m["object"]["flags"] for m in ann.fetch()[1]}
        self.assertEqual({"seen", "flagged", "answered"}, set(flags["Both 4"]) - {"recent"})

    def test_folders(self):
        s, user = self.email(), self.user()
        self.append(user, mail.text("In 1"))
        self.append(user, mail.text("Old 2"), folder="Archive.2013")
        ann = self.account(s, user)
        folders = {f["name"]: f for f in ann.good("fetch", objectType="folders")["folders"]}
        self.assertLessEqual({"INBOX", "Sent", "Drafts", "Archive.2013"}, set(folders))
        self.assertEqual(("sent", "drafts"), (folders["Sent"]["specialUse"], folders["Drafts"]["specialUse"]))
        self.assertTrue(folders["INBOX"]["selectable"])
        self.assertEqual([2], self.selected(ann, folder="Archive.2013"))
        self.assertEqual([1], self.selected(ann, folder="inbox"))
        self.assertEqual("Archive.2013", ann.fetch(folder="Archive.2013")[1][0]["object"]["imapBox"])
        name = "Entw\u00fcrfe & mehr"
        ann.good("update", objectType="folder", folder=name)
        self.assertIn(name, [f["name"] for f in ann.good("fetch", objectType="folders")["folders"]])
        self.assertEqual([], self.selected(ann, folder=name))

    def test_attachments(self):
        s, user = self.email(max_attachment_bytes=300000), self.user()
        big = os.urandom(1000001)
        self.append(user, mail.with_attachments(files=(("a \u00e4.bin", b"\0\1\2\3"), ("big.bin", big), ("empty", b""))))
        ann = self.account(s, user)
        o = ann.fetch(includeBody=True)[1][0]["object"]
        self.assertEqual("See the files.", o["text"].strip())
        self.assertEqual(["a \u00e4.bin", "big.bin", "empty"], [a["fileName"] for a in o["attachments"]])
        small, large, empty = ({"uid": o["uid"], "part": a["part"]} for a in o["attachments"])
        got = ann.good("fetch", attachment=small)
        self.assertEqual((b"\0\1\2\3", 4, "a \u00e4.bin", small["part"]),
                         (base64.b64decode(got["contents"]), got["size"], got["fileName"], got["part"]))
        self.assertEqual(("", 0), tuple(ann.good("fetch", attachment=empty)[k] for k in ("contents", "size")))
        refused = ann.run("fetch", {"attachment": large})
        self.assertEqual((False, "the attachment has 1000001 bytes: ask for pieces with offset and length, of 300000 bytes "
                          "at most"), (refused["status"], refused["message"]))
        pieces, offset = "", 0
        while offset < len(big):
            got = ann.good("fetch", attachment={**large, "offset": offset, "length": 300000})
            pieces, offset = pieces + got["contents"], offset + got["length"]
        self.assertEqual(big, base64.b64decode(pieces))
        for attachment in ({**small, "part": "7"}, {**small, "uid": 9999}, {**small, "part": "1.2.3"}):
            with self.subTest(str(attachment)):
                result = ann.run("fetch", {"attachment": attachment})
                self.assertFalse(result["status"])
        # And back by `send`, as it came.
        got = ann.good("fetch", attachment=small)
        ann.good("send", [{"address": user + "@localhost"}], subject="Back", text="x", attachments=[got])
        parts = {p.get_filename(): p.get_content() for p in self.arrives(user, 2)[1].iter_attachments()}
        self.assertEqual({"a \u00e4.bin": b"\0\1\2\3"}, parts)

    def test_big_mails_are_cut(self):
        s, user = self.email(max_fetch_bytes=2000000, max_text_bytes=100000), self.user()
        body = "line of text\r\n" * 100000
        self.append(user, mail.text("Long", body), mail.with_attachments("File", files=(("f", os.urandom(3000000)),)),
                    mail.text("Short"))
        ann = self.account(s, user)
        result, messages = ann.fetch(includeBody=True)
        by = {m["object"]["subject"]: m["object"] for m in messages}
        self.assertEqual(["Long", "File", "Short"], self.subjects(messages))
        self.assertEqual((True, True, None), tuple(by[k].get("truncated") for k in ("Long", "File", "Short")))
        self.assertEqual("See the files.", by["File"]["text"].strip())
        self.assertTrue(50000 < len(by["Long"]["text"]) <= 100000)
        self.assertGreater(by["File"]["size"], 3000000)

    def test_page_of_many(self):
        """A folder of 3,000 mails: the newest page, and the worker does not grow with the folder."""
        s, user = self.email(), self.user()
        self.fill(user, 3000, "x" * 2000)
        ann = self.account(s, user)
        self.assertEqual(list(range(2990, 3000)), self.selected(ann))
        began = time.monotonic()
        self.assertEqual(list(range(2950, 3000)), self.selected(ann, perPage=50, includeBody=True))
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual([1234], self.selected(ann, search={"subject": "Mail 1234"}))

    def test_connections_that_fail(self):
        s, user = self.email(), self.user()
        untrusting = self.email(ca_file="/etc/ssl/certs/ca-certificates.crt")
        closed = self.email(allow=[])
        block, tls = self.servers.block("imap", user), self.servers.implicit("imap", user)
        for stack, imap, text in ((s, {**block, "password": "wrong"}, "refused user name or password"),
                                  (untrusting, block, "certificate"), (untrusting, tls, "certificate"),
                                  (s, {**tls, "port": block["port"]}, "no secure connection"),
                                  (s, {**block, "starttls": False, "tls": False}, "without TLS is not allowed"),
                                  (s, {**block, "host": "no-such-host.invalid"}, "no such host"),
                                  (s, {**block, "port": lib.free_port()}, "could not connect"),
                                  (closed, block, "not allowed"), (closed, {**tls, "host": "127.0.0.1"}, "not allowed")):
            with self.subTest(text):
                result = self.account(stack, user, imap=imap).run("fetch")
                self.assertEqual((False, {}), (result["status"], result["object"]))
                self.assertIn(text, result["message"])
        self.assertTrue(self.account(s, user, imap=tls).run("fetch")["status"])

    def test_failures(self):
        s, user = self.email(), self.user()
        address = user + "@localhost"
        ann = self.account(s, user, smtp=self.servers.block("smtp", user))
        cases = [(ann, {}, [], "no imap credentials found for " + address),
                 (ann, {}, [{"address": "pop"}], "no pop credentials found for " + address)]
        ann = self.account(s, user)
        cases += [(ann, {"folder": "Nowhere"}, [], None), (ann, {"uidValidity": 1}, [], None),
                  (ann, {}, [{"address": "nntp"}], "the target's address has to be imap or pop"),
                  (ann, {"property": "date", "after": "yesterday"}, [], "after: a date has to be ISO 8601 or milliseconds"),
                  (ann, {"after": "x"}, [], "after has to be a number"),
                  (ann, {"property": "uid", "after": "x"}, [], "after and before have to be numbers")]
        for account, obj, target, message in cases:
            with self.subTest(str((obj, target))):
                result = account.run("fetch", obj, target)
                self.assertEqual((False, {}), (result["status"], result["object"]))
                if message:
                    self.assertEqual(message, result["message"])
        for obj in ({"page": 0}, {"perPage": -1}, {"property": "size"}, {"search": {"body": "x"}}, {"uid": []}, {"uid": 0},
                    {"attachment": {"uid": 1}}, {"attachment": {"uid": 1, "part": "0"}}, {"folder": ""}):
            with self.subTest(str(obj)):
                reply = ann.post("fetch", obj, []).replies[-1]
                self.assertFalse(reply["status"])
                self.assertTrue(reply["message"].startswith("unable to validate json against schema: "), reply)


if __name__ == "__main__":
    lib.main()
