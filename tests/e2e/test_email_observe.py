# SPDX-License-Identifier: MIT
"""New mail as it comes: by IDLE and by polling, to those who asked for it, each once, also when the server goes away."""

import json

import lib
import mail

IDLE = {"idle": True, "poll_interval_s": 3600}
POLL = {"idle": False, "poll_interval_s": 1}


class Observe(mail.MailTest):
    def subjects(self, messages):
        return [m["object"]["subject"] for m in messages if m["verb"] == "send"]

    def statuses(self, messages):
        return [m["object"]["status"] for m in messages if m["verb"] == "connect"]

    def test_new_mail_comes(self):
        for settings in (IDLE, POLL):
            with self.subTest(str(settings)):
                s, user = self.email(**settings), self.user()
                self.append(user, mail.text("Before"))
                ann = self.account(s, user)
                self.assertEqual({"protocol": "imap", "folder": "INBOX", "observing": True}, ann.good("observe"))
                for i in range(3):
                    self.append(user, mail.text("New %d" % i, "Body %d\r\n" % i))
                    m = ann.wait_for(1)[0]
                    self.assertEqual(("send", "email", "New %d" % i), (m["verb"], m["platform"], m["object"]["subject"]))
                    self.assertEqual(("INBOX", {"address": "bob@localhost", "name": "Bob"}), (m["object"]["imapBox"], m["actor"]))
                    self.assertNotIn("text", m["object"])
                # Many at once, in order.
                self.append(user, *[mail.text("Many %d" % i) for i in range(50)])
                self.assertEqual(["Many %d" % i for i in range(50)], self.subjects(ann.wait_for(50)))
                self.assertNotIn("seen", ann.fetch(perPage=1)[1][0]["object"]["flags"])

    def test_who_gets_what(self):
        """Headers and bodies to those who asked for them; nothing to a session that did not, or stopped."""
        s, user = self.email(**IDLE), self.user()
        a, b, c, other = (self.account(s, user) for _ in range(4))
        a.good("observe")
        b.good("follow", includeBody=True)
        c.good("observe")
        self.assertEqual({"protocol": "imap", "folder": "INBOX", "observing": False}, c.good("observe", stop=True))
        other.good("fetch")
        self.append(user, mail.text("One", "Body\r\n"))
        got = a.wait_for(1) + b.wait_for(1)
        self.assertEqual([False, True], ["text" in m["object"] for m in got])
        self.assertEqual(([], []), (c.messages(wait=1), other.messages()))
        # Asked for again in the other form: one message, in that form.
        a.good("observe", includeBody=True)
        self.append(user, mail.text("Two", "Body\r\n"))
        self.assertIn("text", a.wait_for(1)[0]["object"])
        self.assertEqual([], a.messages(wait=1))
        # The last one leaves by ending its session: the connection is not needed any more.
        for account in (a, b):
            s.http("DELETE", "%s/%s" % (s.base, account.sid))
        self.append(user, mail.text("Three"))
        self.assertEqual(([], []), (c.messages(wait=1), other.messages()))
        other.good("observe")
        self.append(user, mail.text("Four"))
        self.assertEqual(["Four"], self.subjects(other.wait_for(1)))

    def test_folders_and_their_bound(self):
        s, user = self.email(folders=2, **IDLE), self.user()
        self.append(user, mail.text("x"), folder="Lists")
        ann = self.account(s, user)
        ann.good("observe")
        ann.good("observe", folder="Lists")
        result = ann.run("observe", {"folder": "Sent"})
        self.assertEqual((False, "2 folders of this account are observed already"), (result["status"], result["message"]))
        self.append(user, mail.text("In lists"), folder="Lists")
        m = ann.wait_for(1)[0]
        self.assertEqual(("In lists", "Lists"), (m["object"]["subject"], m["object"]["imapBox"]))
        ann.good("observe", folder="Lists", stop=True)
        ann.good("observe", folder="Sent")
        for obj in ({"folder": "Nowhere"}, {"folder": "Sent", "stop": "yes"}):
            self.assertFalse(ann.post("observe", obj, [], wait=20).replies[-1]["status"])

    def test_first_connection_fails(self):
        s, user = self.email(**IDLE), self.user()
        for block in (self.servers.block("imap", user, password="wrong"), self.servers.block("imap", user, port=lib.free_port())):
            ann = self.account(s, user, imap=block)
            result = ann.run("observe")
            self.assertEqual((False, {}), (result["status"], result["object"]))
            self.assertEqual([], ann.messages())

    def test_survives_a_restart_of_the_server(self):
        servers = mail.Servers()
        self.addCleanup(servers.close)
        for n, settings in enumerate((IDLE, POLL)):
            with self.subTest(str(settings)):
                s, user = self.email(ca_file=servers.ca, **settings), mail.USERS[n]
                ann = self.account(s, user, imap=servers.block("imap", user), smtp=servers.block("smtp", user))
                ann.good("observe", includeBody=True)
                ann.good("send", [{"address": user + "@localhost"}], subject="First", text="x")
                self.assertEqual(["First"], self.subjects(ann.wait_for(1)))
                servers.dovecot.kill()
                told = ann.wait_for(1, "connect")
                self.assertEqual(["reconnecting"], self.statuses(told))
                self.assertEqual(("imap", "INBOX", user + "@localhost"),
                                 (told[0]["object"]["protocol"], told[0]["object"]["folder"], told[0]["actor"]["address"]))
                self.assertTrue(told[0]["object"]["text"])
                ann.good("send", [{"address": user + "@localhost"}], subject="Meanwhile", text="x")
                servers.dovecot.start()
                messages = ann.wait_for(1)
                self.assertEqual((["online"], ["Meanwhile"]), (self.statuses(messages), self.subjects(messages)))
                ann.good("send", [{"address": user + "@localhost"}], subject="Last", text="x")
                self.assertEqual(["Last"], self.subjects(ann.wait_for(1)))
                self.assertEqual([], ann.messages(wait=1))

    def test_gives_up(self):
        servers = mail.Servers()
        self.addCleanup(servers.close)
        s, user = self.email(ca_file=servers.ca, give_up_s=2, reconnect_max_s=1, **IDLE), mail.USERS[0]
        ann = self.account(s, user, imap=servers.block("imap", user))
        ann.good("observe")
        servers.dovecot.kill()
        self.assertEqual(["reconnecting", "failed"], self.statuses(ann.wait_for(2, "connect")))
        servers.dovecot.start()
        ann.good("observe")
        self.append_to(servers, user)
        self.assertEqual(["After"], self.subjects(ann.wait_for(1)))

    def append_to(self, servers, user):
        mine, self.__class__.servers = self.servers, servers
        try:
            self.append(user, mail.text("After"))
        finally:
            self.__class__.servers = mine

    def test_survives_a_crash_of_the_worker(self):
        """Killed while it observes: a successor takes the account over, and what came meanwhile comes, once."""
        s, user = self.email(**IDLE), self.user()
        ann = self.account(s, user)
        ann.good("observe", includeBody=True)
        self.append(user, mail.text("First"))
        self.assertEqual(["First"], self.subjects(ann.wait_for(1)))
        s.workers["email"][0].kill()
        self.append(user, mail.text("Meanwhile 1"), mail.text("Meanwhile 2"))
        s.start_worker("email")
        messages = ann.wait_for(2, timeout=60)
        self.assertEqual(["Meanwhile 1", "Meanwhile 2"], self.subjects(messages))
        online = [m["object"] for m in messages if m["verb"] == "connect"]
        self.assertEqual([("online", True)], [(o["status"], o.get("restored")) for o in online])
        self.assertIn("text", messages[-1]["object"])
        self.append(user, mail.text("Last"))
        self.assertEqual(["Last"], self.subjects(ann.wait_for(1)))
        self.assertEqual([], ann.messages(wait=1))
        ann.good("fetch")

    def test_a_job_comes_before_the_successor_has_looked(self):
        """The worker dies; a session that does not observe has a job before another worker takes over what is left: those that
        observe get what came meanwhile, once, and no bodies that they did not ask for."""
        s, user = self.email(**IDLE), self.user()
        heads, bodies, other = (self.account(s, user) for _ in range(3))
        heads.good("observe")
        bodies.good("observe", includeBody=True)
        self.append(user, mail.text("First"))
        self.assertEqual((["First"], ["First"]), (self.subjects(heads.wait_for(1)), self.subjects(bodies.wait_for(1))))
        s.workers["email"][0].kill()
        self.append(user, mail.text("Meanwhile 1"), mail.text("Meanwhile 2"))
        # Until then the job is handed to it. Another worker may take over from the silent only when it has seen the others.
        lib.until("it is silent", lambda: not s.redis("KEYS", "sh:{*}:w:email:*"), 20)
        other.post("fetch", {}, [])
        s.start_worker("email").wait_event("instance.open")
        for ann, has_text in ((heads, False), (bodies, True)):
            messages = ann.wait_for(2)
            self.assertEqual(["Meanwhile 1", "Meanwhile 2"], self.subjects(messages))
            self.assertEqual([has_text] * 2, ["text" in m["object"] for m in messages if m["verb"] == "send"])
            online = [m["object"] for m in messages if m["verb"] == "connect"]
            self.assertEqual([("online", True)], [(o["status"], o.get("restored")) for o in online])
        self.append(user, mail.text("Last"))
        self.assertEqual((["Last"], ["Last"]), (self.subjects(heads.wait_for(1)), self.subjects(bodies.wait_for(1))))
        self.assertEqual(([], []), (heads.messages(wait=1), bodies.messages()))
        self.assertEqual({"First", "Meanwhile 1", "Meanwhile 2"}, set(self.subjects(other.wait_for(3))))  # of its fetch
        self.assertEqual([], other.messages())

    def test_another_password_is_another_account(self):
        s, user = self.email(**IDLE), self.user()
        ann = self.account(s, user)
        ann.good("observe")
        thief = self.account(s, user, imap=self.servers.block("imap", user, password="guess"))
        self.assertFalse(thief.run("observe")["status"])
        self.append(user, mail.text("Private"))
        self.assertEqual(["Private"], self.subjects(ann.wait_for(1)))
        self.assertEqual([], thief.messages(wait=1))

    def test_nothing_secret_is_left(self):
        """The password is in no log line, in nothing that Redis keeps, in no message; logs are at the most talkative level."""
        s, user = self.email(**IDLE), self.user()
        ann = self.account(s, user)
        ann.good("observe")
        self.append(user, mail.text("MARKsubject", "MARKbody\r\n"))
        messages = ann.wait_for(1) + ann.fetch(includeBody=True)[1]
        ann.good("send", [{"address": user + "@localhost"}], subject="MARKsubject", text="MARKbody")
        ann.run("fetch", {"folder": "MARKfolder"})
        ann.run("observe", {"folder": "MARKfolder"})
        wrong = self.account(s, user, imap=self.servers.block("imap", user, password="MARKwrong"),
                             smtp=self.servers.block("smtp", user, token="MARKtoken", password=None))
        messages += [wrong.run("fetch"), wrong.run("send", {"text": "MARKbody"}, [{"address": "a@localhost"}])]
        kept = b""
        for key in s.redis("KEYS", "*"):
            kept += key + s.redis("DUMP", key)
        logs = "".join(p.log() for p in s.processes)
        self.assertIn("level=debug", logs)
        for word in (mail.PASSWORD + "\"", "MARKwrong", "MARKtoken", "MARKsubject", "MARKbody", "MARKfolder"):
            self.assertNotIn(word, logs)
            self.assertNotIn(word.encode(), kept)
        for word in ("MARKwrong", "MARKtoken"):
            self.assertNotIn(word, json.dumps(messages))


if __name__ == "__main__":
    lib.main()
