# SPDX-License-Identifier: MIT
"""POP3, from a real Dovecot: pages, unique ids, attachments, deletion, observing; what it cannot is refused by name."""

import base64
import os

import lib
import mail

POP = [{"address": "pop"}]


class Pop(mail.MailTest):
    def subjects(self, messages):
        return [m["object"]["subject"] for m in messages if m["verb"] == "send"]

    def numbers(self, ann, **obj):
        result, messages = ann.fetch(POP, **obj)
        self.assertTrue(result["status"], result)
        self.assertEqual(len(messages), result["object"]["count"])
        return [int(s.split()[-1]) for s in self.subjects(messages)]

    def box(self, n, **settings):
        s, user = self.email(**settings), self.user()
        self.append(user, *[mail.text("Mail %d" % i, "Body %d\r\n.dot\r\n" % i) for i in range(1, n + 1)])
        return s, user, self.account(s, user, pop=self.servers.block("pop", user))

    def test_selections(self):
        s, user, ann = self.box(15)
        result, messages = ann.fetch(POP, perPage=15)
        self.assertEqual({"folder": "INBOX", "total": 15, "matches": 15, "page": 1, "perPage": 15, "count": 15}, result["object"])
        uid = [None] + [m["object"]["uid"] for m in messages]
        self.assertEqual(16, len(set(uid)))
        self.assertEqual([(i, "Mail %d" % i) for i in range(1, 16)],
                         [(m["object"]["popSeqNo"], m["object"]["subject"]) for m in messages])
        self.assertNotIn("text", messages[0]["object"])
        for expected, obj in ((range(6, 16), {}), (range(1, 6), {"page": 2}), ([], {"page": 3}), ([14, 15], {"after": 13}),
                              ([1, 2], {"before": 3}), ([5], {"after": 4, "before": 6}), ([], {"after": 15}), ([], {"before": 1}),
                              ([14, 15], {"property": "uid", "after": uid[13]}), ([1, 2], {"property": "uid", "before": uid[3]}),
                              ([5, 6], {"property": "uid", "after": uid[4], "before": uid[7]}),
                              ([], {"property": "uid", "after": "gone"}), ([], {"property": "uid", "before": "gone"}),
                              ([3, 9], {"uid": [uid[9], uid[3], "gone"]}), ([7], {"uid": uid[7]}), ([], {"uid": "gone"})):
            with self.subTest(str(obj)):
                self.assertEqual(list(expected), self.numbers(ann, **obj))
        m = ann.fetch(POP, uid=uid[2], includeBody=True)[1][0]
        self.assertEqual("Body 2\n.dot", m["object"]["text"].strip())
        self.assertEqual(("send", {"address": "bob@localhost", "name": "Bob"}), (m["verb"], m["actor"]))

    def test_the_only_credentials_decide(self):
        s, user, ann = self.box(1)
        self.assertIn("popSeqNo", ann.fetch()[1][0]["object"])
        both = self.account(s, user, pop=self.servers.implicit("pop", user), imap=self.servers.implicit("imap", user))
        self.assertIn("imapSeqNo", both.fetch()[1][0]["object"])
        self.assertIn("popSeqNo", both.fetch(POP)[1][0]["object"])

    def test_attachment_and_cut(self):
        s, user, ann = self.box(0, max_fetch_bytes=1000000)
        data = os.urandom(2000000)
        self.append(user, mail.with_attachments(files=(("big.bin", data), ("small.txt", b"small"))))
        o = ann.fetch(POP, includeBody=True)[1][0]["object"]
        self.assertEqual((True, "See the files."), (o["truncated"], o["text"].strip()))
        got = ann.good("fetch", POP, attachment={"uid": o["uid"], "part": "2"})
        self.assertEqual((data, "big.bin"), (base64.b64decode(got["contents"]), got["fileName"]))
        self.assertEqual("small", base64.b64decode(ann.good("fetch", POP, attachment={"uid": o["uid"], "part": "3"})["contents"])
                         .decode())
        for attachment in ({"uid": "gone", "part": "2"}, {"uid": o["uid"], "part": "9"}):
            self.assertFalse(ann.run("fetch", {"attachment": attachment}, POP)["status"])

    def test_delete(self):
        s, user, ann = self.box(4)
        uid = [m["object"]["uid"] for m in ann.fetch(POP)[1]]
        self.assertEqual(2, ann.good("update", POP, objectType="delete", uid=[uid[0], uid[2], "gone"])["count"])
        self.assertEqual(["Mail 2", "Mail 4"], [m["Subject"] for m in self.inbox(user)])
        self.assertEqual([2, 4], self.numbers(ann))

    def test_many_jobs_take_turns(self):
        s, user, ann = self.box(3)
        jobs = [ann.job("fetch", {"perPage": 2}, POP) for _ in range(10)]
        posted = s.post(jobs, sid=ann.sid, wait=40)
        results = [r for r in posted.replies if r["verb"] == "fetch"]
        self.assertEqual([True] * 10, [r["status"] for r in results], results)
        self.assertEqual(20, len(ann.messages()))

    def test_observe(self):
        s, user, ann = self.box(2, poll_interval_s=1)
        self.assertEqual({"protocol": "pop", "folder": "INBOX", "observing": True}, ann.good("observe", POP, includeBody=True))
        for i in range(2):
            self.append(user, mail.text("New %d" % i))
            m = ann.wait_for(1)
            self.assertEqual((["New %d" % i], True), (self.subjects(m), "text" in m[0]["object"]))
        # Another client empties the maildrop: what comes then is new.
        ann.good("update", POP, objectType="delete", uid=[m["object"]["uid"] for m in ann.fetch(POP)[1]])
        self.append(user, *[mail.text("Many %d" % i) for i in range(45)])
        self.assertEqual(["Many %d" % i for i in range(45)], self.subjects(ann.wait_for(45)))
        ann.good("observe", POP, stop=True)
        self.append(user, mail.text("Unseen"))
        self.assertEqual([], ann.messages(wait=2))

    def test_observe_survives(self):
        servers = mail.Servers()
        self.addCleanup(servers.close)
        s, user = self.email(ca_file=servers.ca, poll_interval_s=1), mail.USERS[0]
        ann = self.account(s, user, pop=servers.block("pop", user), smtp=servers.block("smtp", user))
        ann.good("observe", POP)
        servers.dovecot.kill()
        self.assertEqual("reconnecting", ann.wait_for(1, "connect")[0]["object"]["status"])
        ann.good("send", [{"address": user + "@localhost"}], subject="Meanwhile", text="x")
        servers.dovecot.start()
        messages = ann.wait_for(1)
        messages += ann.wait_for(0 if any(m["verb"] == "connect" for m in messages) else 1, "connect")
        self.assertEqual(["Meanwhile"], self.subjects(messages))
        self.assertEqual(["online"], [m["object"]["status"] for m in messages if m["verb"] == "connect"])

    def test_refused(self):
        s, user, ann = self.box(1)
        for verb, obj, text in (("fetch", {"folder": "Sent"}, "POP3 has no folders"),
                                ("fetch", {"objectType": "folders"}, "POP3 has no folders"),
                                ("fetch", {"search": {"subject": "x"}}, "POP3 cannot search"),
                                ("fetch", {"property": "date", "after": 5}, "POP3 cannot select by date"),
                                ("fetch", {"uidValidity": 5}, "POP3 has no uidValidity"),
                                ("observe", {"folder": "Sent"}, "POP3 has no folders"),
                                ("update", {"objectType": "flags", "uid": "x", "add": ["seen"]},
                                 "POP3 can delete mails, nothing else")):
            with self.subTest(str(obj)):
                result = ann.run(verb, obj, POP)
                self.assertEqual((False, text), (result["status"], result["message"]))
        wrong = self.account(s, user, pop=self.servers.block("pop", user, password="wrong"))
        for verb in ("fetch", "observe"):
            result = wrong.run(verb, {}, POP)
            self.assertFalse(result["status"])
            self.assertIn("refused", result["message"])
        self.assertEqual([1], self.numbers(ann))


if __name__ == "__main__":
    lib.main()
