# SPDX-License-Identifier: MIT
"""What a worker holds of what mail servers send: from one that sends far more than it was asked for, and from a real one."""

import contextlib
import socket
import threading

import lib
import mail

MB = 1 << 20


def peak(s):
    """The most memory that the worker has had, in MB."""
    with open("/proc/%d/status" % s.workers["email"][0].pid) as f:
        return [int(line.split()[1]) // 1024 for line in f if line.startswith("VmHWM")][0]


def serve(test, exists, answer):
    """An IMAP server with a folder of `exists` mails; `answer(line, send)` may send data before a command's OK. Its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    test.addCleanup(listener.close)

    def talk(connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            send = connection.sendall
            send(b"* OK hi\r\n")
            for line in lines:
                tag, command = line.split()[0], line.upper()
                if b" CAPABILITY" in command:
                    send(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n")
                elif b" EXAMINE " in command:
                    send(b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n" % exists)
                elif b" STATUS " in command:
                    send(b"* STATUS INBOX (MESSAGES %d UNSEEN 0 UIDNEXT 1000 UIDVALIDITY 1)\r\n" % exists)
                else:
                    answer(command, send)
                send(tag + b" OK\r\n")

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


class Hostile(lib.StackTest):
    def account(self, exists, answer, **settings):
        s = self.stack(platforms={"email": {"allow_plaintext": True, "max_message_bytes": 8 * MB, **settings}},
                       config={"outbound": {"allow": mail.ALLOW}},
                       # Freed memory that a sanitizer holds back would hide the size of the rest.
                       env={"ASAN_OPTIONS": "quarantine_size_mb=4"})
        block = {"host": "localhost", "port": serve(self, exists, answer), "username": "ann", "password": "x",
                 "tls": False, "starttls": False}
        return s, mail.Account(s, "ann@localhost", {"imap": block})

    def test_folders(self):
        """Names of 8 MB each."""
        def answer(command, send):
            for _ in range(30 if b" LIST " in command else 0):
                send(b"* LIST () \"/\" {%d}\r\n" % (8 * MB) + b"x" * (8 * MB) + b"\r\n")
        s, ann = self.account(0, answer)
        before = peak(s)
        self.assertEqual([], ann.good("fetch", objectType="folders")["folders"])
        self.assertLess(peak(s) - before, 90)

    def test_mails(self):
        """Asked for 100 KB of each mail it sends 8 MB; headers of 250 KB each, as many as were asked for."""
        def answer(command, send):
            if b" FETCH " not in command:
                return
            for i in range(40):
                n, section = (8 * MB, b"") if b"[]" in command else (250000, b"HEADER")
                send(b"* %d FETCH (UID %d FLAGS () RFC822.SIZE 100 BODY[%s]<0> {%d}\r\nSubject: %d\r\n\r\n" %
                     (i + 1, i + 1, section, n + len(b"Subject: %d\r\n\r\n" % i), i))
                send(b"x" * n + b")\r\n")
        s, ann = self.account(40, answer, max_fetch_bytes=4000000, max_text_bytes=2000)
        before = peak(s)
        result, messages = ann.fetch(perPage=40, includeBody=True)
        self.assertEqual((True, 40), (result["status"], len(messages)))
        self.assertEqual([(str(i), True) for i in range(40)],
                         [(m["object"]["subject"], m["object"]["truncated"]) for m in messages])
        self.assertLess(peak(s) - before, 90)
        self.assertEqual([str(i) for i in range(40)], [m["object"]["subject"] for m in ann.fetch(perPage=40)[1]])


class Many(mail.MailTest):
    def test_more_than_is_read_at_a_time(self):
        """A page whose mails come faster than they are read: all come, in order."""
        s, user = self.email(max_text_bytes=2000), self.user()
        self.append(user, *[mail.text("Mail %d" % i, "a line of text\r\n" * 60000) for i in range(20)])
        blocks = {kind: self.servers.block(kind, user) for kind in ("imap", "pop")}
        ann = self.account(s, user, **blocks)
        for target in ([{"address": "imap"}], [{"address": "pop"}]):
            for _ in range(2):
                result, messages = ann.fetch(target, perPage=20, includeBody=True)
                self.assertEqual((True, 20), (result["status"], result["object"]["count"]))
                self.assertEqual(["Mail %d" % i for i in range(20)], [m["object"]["subject"] for m in messages])


if __name__ == "__main__":
    lib.main()
