# SPDX-License-Identifier: MIT
"""The examples of docs/platforms/xmpp.md work as they stand, but for the account and its server."""

import json
import os
import re
import subprocess

import lib
import xmpp

MANUAL = os.path.join(lib.ROOT, "docs/platforms/xmpp.md")


def blocks(language):
    with open(MANUAL, encoding="utf-8") as f:
        return re.findall(r"```%s\n(.*?)```" % language, f.read(), re.S)


class Docs(xmpp.XmppTest):
    def test_walk(self):
        s, jid = self.xmpp(), self.server.user()
        script = blocks("sh")[0]
        for old, new in (("ann@example.org", jid),
                         ('"THE PASSWORD"', '"secret", "server":"127.0.0.1", "port":%d' % self.server.port)):
            self.assertIn(old, script)
            script = script.replace(old, new)
        head = "set -e\nBASE=http://127.0.0.1:%d%s\nJSON='Content-Type: application/json'\nSID=%s\n" % (
            s.port, s.base, s.register())
        # A contact, so that there is something to fetch.
        page = self.page(s, jid)
        page.do("update", "bob@localhost", {"objectType": "contact", "name": "Bob"})
        done = subprocess.run(["bash", "-c", head + script.replace("\ncurl", "\necho; curl")], capture_output=True,
                              text=True, timeout=90, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines() if line]
        self.assertEqual(4, len(answers), done.stdout)
        for answer in answers[:3]:
            self.assertTrue(answer[-1]["status"], answer)
        self.assertEqual(1, answers[1][-1]["object"]["count"])
        messages = answers[3]["messages"]
        self.assertIn("Bob", [m["actor"].get("name") for m in messages])
        self.assertIn("hello, myself", [m["object"].get("text") for m in messages])

    def test_archive(self):
        s = self.xmpp()
        page = self.page(s)
        jobs = [json.loads(b) for b in blocks("json") if "rid" in b]
        self.assertTrue(jobs)
        for job in jobs:
            result = page.try_do(job["verb"], job["target"], job["object"])
            self.assertTrue(result["status"], result)


if __name__ == "__main__":
    lib.main()
