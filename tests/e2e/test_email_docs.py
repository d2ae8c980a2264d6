# SPDX-License-Identifier: MIT
"""The examples of docs/platforms/email.md are jobs that work: run as they stand, but for the servers' names."""

import json
import os
import re

import lib
import mail

MANUAL = os.path.join(lib.ROOT, "docs/platforms/email.md")


def examples():
    """The jobs in the manual's JSON blocks, in order."""
    with open(MANUAL, encoding="utf-8") as f:
        blocks = re.findall(r"```json\n(.*?)```", f.read(), re.S)
    decoder = json.JSONDecoder()
    for block in blocks:
        at = 0
        while at < len(block):
            value, at = decoder.raw_decode(block, at)
            at += len(block[at:]) - len(block[at:].lstrip())
            if "status" not in value and "verb" in value:
                yield value


class Docs(mail.MailTest):
    def test_examples(self):
        s, user = self.email(), self.user()
        address = user + "@localhost"
        self.append(user, *[mail.with_attachments("Mail %d" % i) for i in range(45)])
        sid, verbs = s.register(), []
        text = json.dumps(list(examples()))
        for old, new in (("ann@example.org", address), ("bob@example.org", address), ("carl@example.org", address),
                         ("dora@example.org", address), ("office@example.org", address), ("1385000000", "0")):
            text = text.replace(old, new)
        for job in json.loads(text):
            if job["verb"] == "set":
                job["object"].update({kind: self.servers.block(kind, user) for kind in ("smtp", "imap", "pop")})
            if job["object"].get("uidValidity") == 0:
                del job["object"]["uidValidity"]
            with self.subTest(json.dumps(job)):
                posted = s.post(job, sid=sid, wait=30)
                result = posted.replies[-1]
                self.assertEqual(job["rid"], result["rid"])
                self.assertTrue(result["status"], result)
                verbs.append(job["verb"])
        self.assertEqual({"set", "send", "fetch", "update", "observe"}, set(verbs))
        self.assertGreater(len(verbs), 10)


if __name__ == "__main__":
    lib.main()
