# SPDX-License-Identifier: MIT
"""Changing a mailbox by IMAP: flags, moving, copying, deletion, folders; what became of it is asked of Dovecot."""

import time

import lib
import mail


class Update(mail.MailTest):
    def box(self, n=3):
        s, user = self.email(), self.user()
        self.append(user, *[mail.text("Mail %d" % i) for i in range(1, n + 1)])
        ann = self.account(s, user)
        result, messages = ann.fetch()
        return ann, user, {m["object"]["subject"]: m["object"]["uid"] for m in messages}, result["object"]["uidValidity"]

    def flags(self, ann, subject, folder="INBOX"):
        found = [m["object"] for m in ann.fetch(folder=folder)[1] if m["object"]["subject"] == subject]
        return set(found[0]["flags"]) - {"recent"} if found else None

    def subjects(self, user, folder="INBOX"):
        return [m["Subject"] for m in self.inbox(user, folder)]

    def test_flags(self):
        ann, user, uid, validity = self.box()
        both = [uid["Mail 1"], uid["Mail 2"]]
        self.assertEqual("INBOX", ann.good("update", objectType="flags", uid=both, add=["seen", "flagged"],
                                           uidValidity=validity)["folder"])
        self.assertEqual([{"seen", "flagged"}, {"seen", "flagged"}, set()], [self.flags(ann, "Mail %d" % i) for i in (1, 2, 3)])
        self.assertEqual(1, ann.fetch()[0]["object"]["unseen"])
        ann.good("update", objectType="flags", uid=uid["Mail 1"], remove=["seen"], add=["answered"])
        self.assertEqual([{"flagged", "answered"}, {"seen", "flagged"}], [self.flags(ann, "Mail %d" % i) for i in (1, 2)])
        ann.good("update", objectType="flags", uid=99999, add=["seen"])  # gone: nothing to do

    def test_move_copy_delete(self):
        ann, user, uid, validity = self.box(4)
        ann.good("update", objectType="folder", folder="Archive")
        got = ann.good("update", objectType="move", uid=[uid["Mail 1"], uid["Mail 2"]], to="Archive")
        self.assertEqual((2, "Archive", "INBOX"), (len(got["uid"]), got["to"], got["folder"]))
        self.assertEqual((["Mail 3", "Mail 4"], ["Mail 1", "Mail 2"]), (self.subjects(user), self.subjects(user, "Archive")))
        ann.good("update", objectType="copy", uid=uid["Mail 3"], to="Archive")
        self.assertEqual((["Mail 3", "Mail 4"], ["Mail 1", "Mail 2", "Mail 3"]),
                         (self.subjects(user), self.subjects(user, "Archive")))
        ann.good("update", objectType="delete", uid=uid["Mail 4"])
        ann.good("update", objectType="delete", folder="Archive", uid=got["uid"])
        self.assertEqual((["Mail 3"], ["Mail 3"]), (self.subjects(user), self.subjects(user, "Archive")))

    def test_a_thousand(self):
        """As many as a job may name, none next to another: more than a command takes, also to search and to fetch."""
        s, user, n = self.email(max_per_page=1000), self.user(), 1000
        self.fill(user, 2 * n)
        ann = self.account(s, user)
        odd = list(range(1, 2 * n, 2))
        ann.good("update", objectType="flags", uid=odd, add=["flagged"])
        for obj in ({"uid": odd}, {"search": {"flagged": True}},
                    {"search": {"flagged": True, "since": (int(time.time()) - 7200) * 1000}}):
            with self.subTest(str(obj)[:60]):
                result = ann.run("fetch", {"perPage": n, **obj})
                self.assertEqual((True, n), (result["status"], result["object"].get("count")), result)
                found = []
                while more := [m["object"]["uid"] for m in ann.messages()]:
                    found += more
                self.assertEqual(odd, found)
        ann.good("update", objectType="folder", folder="Archive")
        got = ann.good("update", objectType="move", uid=odd, to="Archive")
        self.assertEqual(list(range(1, n + 1)), sorted(got["uid"]))
        ann.good("update", objectType="delete", uid=[uid + 1 for uid in odd])
        self.assertEqual((0, n), tuple(ann.fetch(folder=f)[0]["object"]["total"] for f in ("INBOX", "Archive")))

    def test_failures(self):
        ann, user, uid, validity = self.box()
        one = uid["Mail 1"]
        ann.good("update", objectType="folder", folder="There")
        texts = []
        for obj in ({"objectType": "move", "uid": one, "to": "Nowhere"}, {"objectType": "delete", "uid": one, "folder": "Lost"},
                    {"objectType": "folder", "folder": "There"}, {"objectType": "delete", "uid": one, "uidValidity": 1},
                    {"objectType": "delete", "uid": "abc"}):
            with self.subTest(str(obj)):
                result = ann.run("update", obj)
                self.assertEqual((False, {}), (result["status"], result["object"]))
                texts.append(result["message"])
        self.assertEqual(len(texts), len(set(texts)), texts)
        self.assertEqual(["Mail 1", "Mail 2", "Mail 3"], self.subjects(user))
        for obj in ({}, {"objectType": "flags", "uid": one}, {"objectType": "flags", "add": ["seen"]}, {"objectType": "move", "uid": one},
                    {"objectType": "folder"}, {"objectType": "flags", "uid": one, "add": ["\\Seen"]}, {"objectType": "erase", "uid": one},
                    {"objectType": "flags", "uid": one, "add": ["x) (y"]}, {"objectType": "delete"}):
            with self.subTest(str(obj)):
                reply = ann.post("update", obj, []).replies[-1]
                self.assertFalse(reply["status"])
                self.assertTrue(reply["message"].startswith("unable to validate json against schema: "), reply)


if __name__ == "__main__":
    lib.main()
