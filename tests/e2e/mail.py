# SPDX-License-Identifier: MIT
"""mail - what the tests of the platform `email` stand on: a real Exim and a real Dovecot on one mail folder, and the
client's side of an account.

    class Fetch(mail.MailTest):
        def test_one(self):
            s = self.email()                      # a stack whose worker trusts the servers and may reach them
            user = self.user()                    # a mailbox of its own
            self.append(user, mail.text("Hi"))
            ann = self.account(s, user)           # a session with credentials
            result, messages = ann.fetch()

One pair of servers serves all tests of a class; each test has users of its own. What arrived is looked at with
Python's own imaplib and email, which know nothing of Sockethub."""

import email.message
import email.policy
import imaplib
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

import client
import lib

PASSWORD = "secret"
START = os.path.join(lib.ROOT, "tests/servers/%s/start.sh")
STOP = os.path.join(lib.ROOT, "tests/servers/stop.sh")
USERS = ["u%02d" % i for i in range(60)]
ALLOW = ["127.0.0.0/8", "::1"]


def text(subject="Hello", body="Text\r\n", sender="Bob <bob@localhost>", to="ann@localhost", **headers):
    """The bytes of a mail with one part."""
    lines = ["From: " + sender, "To: " + to, "Subject: " + subject, "Date: Thu, 21 Nov 2013 02:13:20 +0000",
             "Message-ID: <%s@localhost>" % subject.replace(" ", "-")]
    lines += ["%s: %s" % (k.replace("_", "-"), v) for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def with_attachments(subject="Files", body="See the files.", files=(("a.bin", b"\0\1\2"),)):
    """The bytes of a multipart/mixed mail."""
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Bob <bob@localhost>", "ann@localhost", subject
    m.set_content(body)
    for name, data in files:
        m.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return m.as_bytes(policy=email.policy.SMTP)


class Server:
    """A real server in a folder of its own; `env` has what it told."""

    def __init__(self, name, folder, n_ports, *extra, env=None):
        self.name, self.dir, self.n_ports, self.extra = name, os.path.join(folder, name), n_ports, extra
        self.environ = dict(os.environ, MAIL_USERS=" ".join(USERS), **(env or {}))
        self.port = None

    def start(self):
        """On the same port again when it was started before."""
        for attempt in range(5):
            port = self.port or lib.free_ports(self.n_ports)
            run = subprocess.run(["bash", START % self.name, self.dir, str(port), *self.extra], env=self.environ,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
            if run.returncode == 0:
                self.port = port
                self.env = dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)
                return self
            if self.port is None or "taken" not in run.stderr:
                time.sleep(0.1 * attempt)  # another test took the port: choose again
        raise AssertionError("%s does not start:\n%s%s" % (self.name, run.stdout, run.stderr))

    def stop(self):
        subprocess.run(["bash", STOP, self.dir], stdin=subprocess.DEVNULL, timeout=60, check=False)


    def kill(self):
        """As if the machine was switched off: it and all processes it made, at once. Dovecot, stopped politely, keeps
        its idle connections for another ten seconds."""
        with open(os.path.join(self.dir, "pid")) as f:
            pids = [int(word) for word in f.read().split()]
        for pid in pids:  # grows meanwhile
            pids += [child for child, _ in lib.children(pid)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.stop()
        # Who is dead but not reaped yet counts as running for Dovecot.
        shutil.rmtree(os.path.join(self.dir, "run"), ignore_errors=True)


class Servers:
    """Dovecot and Exim, Exim delivering where Dovecot reads."""

    def __init__(self, dovecot_env=None, exim_env=None):
        self.dir = tempfile.mkdtemp(prefix="sh-mail-", dir="/tmp" if os.access("/tmp", os.W_OK) else None)
        os.chmod(self.dir, 0o755)  # Dovecot's and Exim's own users have to reach it
        self.started = []
        try:
            self.dovecot = self._start(Server("dovecot", self.dir, 4, env=dovecot_env))
            self.exim = self._start(Server("exim", self.dir, 2, self.dovecot.env["MAIL_ROOT"], env=exim_env))
        except BaseException:
            self.close()
            raise
        self.ca = os.path.join(self.dir, "ca.pem")
        with open(self.ca, "w") as out:
            for path in (self.dovecot.env["MAIL_CA"], self.exim.env["SMTP_CA"]):
                with open(path) as f:
                    out.write(f.read())

    def _start(self, server):
        self.started.append(server)
        return server.start()

    def close(self):
        for server in reversed(self.started):
            server.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def block(self, kind, user, **changes):
        """A server block of the credentials: STARTTLS unless changed; None removes a member."""
        port = {"smtp": lambda: self.exim.env["SMTP_PORT"], "imap": lambda: self.dovecot.env["IMAP_PORT"],
                "pop": lambda: self.dovecot.env["POP3_PORT"]}[kind]()
        block = {"host": "localhost", "port": int(port), "username": user, "password": PASSWORD, "starttls": True}
        block.update(changes)
        return {k: v for k, v in block.items() if v is not None}

    def implicit(self, kind, user):
        port = {"smtp": lambda: self.exim.env["SMTPS_PORT"], "imap": lambda: self.dovecot.env["IMAPS_PORT"],
                "pop": lambda: self.dovecot.env["POP3S_PORT"]}[kind]()
        return self.block(kind, user, port=int(port), tls=True, starttls=None)


class Account:
    """A session with credentials for one address: jobs and what comes."""

    def __init__(self, stack, address, blocks, name=None):
        self.s, self.address, self.sid, self.rid, self.cursor = stack, address, stack.register(), 0, None
        self.actor = {"address": address, **({"name": name} if name else {})}
        self.kept = []
        reply = self.post("set", {"objectType": "credentials", **blocks}, {}).replies[-1]
        if reply.get("status") is not True:
            raise AssertionError("set: %r" % reply)

    def job(self, verb, obj, target):
        self.rid += 1
        return {"rid": self.rid, "platform": "email", "verb": verb, "actor": self.actor, "target": target, "object": obj}

    def post(self, verb, obj, target, wait=None):
        return self.s.post(self.job(verb, obj, target), sid=self.sid, wait=wait)

    def run(self, verb, obj=None, target=(), wait=40):
        """The result of a job; its messages stay."""
        replies = self.post(verb, obj or {}, list(target), wait).replies
        for reply in replies:
            if client.is_result(reply, self.rid):
                return reply
        raise AssertionError("%s: no result: %r" % (verb, replies))

    def messages(self, wait=0):
        """What came since the last call."""
        self.cursor, more = self.s.poll(self.sid, self.cursor, wait=wait)
        return [m for m in more if "rid" not in m]

    def fetch(self, target=(), **obj):
        result = self.run("fetch", obj, target)
        return result, self.messages()

    def good(self, verb, target=(), **obj):
        """The object of a result that has to be a success."""
        result = self.run(verb, obj, target)
        if result["status"] is not True:
            raise AssertionError("%s: %r" % (verb, result))
        return result["object"]

    def wait_for(self, count, verb="send", timeout=30):
        """Polls until `count` messages of this verb came; all that came meanwhile."""
        end, found = time.monotonic() + timeout, []
        while sum(m["verb"] == verb for m in found) < count:
            if time.monotonic() > end:
                raise AssertionError("only %r" % found)
            found += self.messages(wait=2)
        return found


class MailTest(lib.StackTest):
    maxDiff = None
    dovecot_env = None
    exim_env = None

    @classmethod
    def setUpClass(cls):
        cls.servers = Servers(cls.dovecot_env, cls.exim_env)
        cls.addClassCleanup(cls.servers.close)
        cls.free_users = list(USERS)

    def user(self):
        return self.free_users.pop(0)

    def email(self, config=None, allow=ALLOW, workers=1, **settings):
        settings = {"ca_file": self.servers.ca, "connect_timeout_ms": 10000, **settings}
        config = {"outbound": {"allow": list(allow)}, **(config or {})}
        return self.stack(platforms={"email": settings}, config=config, workers=workers)

    def account(self, s, user, name=None, **blocks):
        """A session of `user`; without blocks with imap and smtp."""
        blocks = blocks or {k: self.servers.block(k, user) for k in ("imap", "smtp")}
        return Account(s, user + "@localhost", blocks, name)

    # --- the other side ---

    def imap(self, user):
        """A client of Python's, logged in."""
        context = ssl.create_default_context(cafile=self.servers.dovecot.env["MAIL_CA"])
        imap = imaplib.IMAP4_SSL("localhost", int(self.servers.dovecot.env["IMAPS_PORT"]), ssl_context=context)
        imap.login(user, PASSWORD)
        self.addCleanup(imap.shutdown)
        return imap

    def append(self, user, *mails, folder="INBOX", flags="", dates=None):
        """Puts mails into a folder; `dates` are INTERNALDATEs as seconds since 1970."""
        imap = self.imap(user)
        if folder != "INBOX":
            imap.create(folder)
        for i, data in enumerate(mails):
            when = imaplib.Time2Internaldate(dates[i]) if dates else None
            status, answer = imap.append(folder, "(%s)" % flags if flags else None, when, data)
            self.assertEqual("OK", status, answer)
        return imap

    def fill(self, user, count, body="Text\r\n"):
        """So many mails at once, as files: Mail 0 and so on, which arrived just now."""
        folder = os.path.join(self.servers.dovecot.env["MAIL_ROOT"], user, "Maildir", "cur")
        now = int(time.time())
        for i in range(count):
            path = os.path.join(folder, "%d.M%dP1.host:2,S" % (now - count + i, i))
            with open(path, "wb") as f:
                f.write(text("Mail %d" % i, body).replace(b"\r\n", b"\n"))
            if os.geteuid() == 0:
                shutil.chown(path, "mail", "mail")

    def inbox(self, user, folder="INBOX"):
        """What is there, as email.message.EmailMessage."""
        imap = self.imap(user)
        status, answer = imap.select(folder, readonly=True)
        self.assertEqual("OK", status, answer)
        found = imap.search(None, "ALL")[1][0].split()
        return [email.message_from_bytes(imap.fetch(n, "(BODY.PEEK[])")[1][0][1], policy=email.policy.default)
                for n in found]

    def arrives(self, user, count=1):
        """Waits until `count` mails are in the inbox."""
        return lib.until("mail for " + user, lambda: (lambda m: m if len(m) >= count else None)(self.inbox(user)), 30, 0.1)
