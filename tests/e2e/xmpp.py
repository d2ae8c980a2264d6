# SPDX-License-Identifier: MIT
"""xmpp - a real Prosody, independent clients on it, and pages that use it through Sockethub."""

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

import client
import lib

SERVERS = os.path.join(lib.ROOT, "tests/servers")
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "xmpp_peer.py")
# slixmpp is a package of the system's python, whatever comes first in PATH.
PYTHON = "/usr/bin/python3"
ALLOW = {"outbound": {"allow": ["127.0.0.0/8", "::1"]}}
MUC = "conference.localhost"


class Prosody:
    """One of tests/servers with accounts u0, u1, ... on the domain localhost; user() gives one that nobody had yet."""

    def __init__(self, users=60, env=None):
        self.dir = tempfile.mkdtemp(prefix="sh-prosody-")
        self.port = lib.free_ports(2)
        self.ca = os.path.join(self.dir, "ca.pem")
        self.env = {"XMPP_USERS": " ".join("u%d" % i for i in range(users)), **(env or {})}
        self.free = iter(range(users))
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        subprocess.run([os.path.join(SERVERS, "prosody/start.sh"), self.dir, str(self.port)], check=True, timeout=90,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env={**os.environ, **self.env})

    def stop(self):
        subprocess.run([os.path.join(SERVERS, "stop.sh"), self.dir], check=False, timeout=60)

    def kill(self):
        """As a crash: no good-bye to anybody."""
        with open(os.path.join(self.dir, "pid")) as f:
            pid = int(f.read())
        os.kill(pid, 9)
        lib.until("prosody is gone", lambda: not lib.alive(pid))

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def user(self):
        return "u%d@localhost" % next(self.free)

    def credentials(self, jid, **more):
        return {"objectType": "credentials", "username": jid, "password": "secret", "server": "127.0.0.1",
                "port": self.port, **more}


class Peer:
    """xmpp_peer.py as `jid`; online when made."""

    def __init__(self, test, server, jid):
        self.jid, self.seen, self.lines = jid, [], queue.Queue()
        self.process = subprocess.Popen([PYTHON, PEER, jid, "127.0.0.1", str(server.port), server.ca],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        test.addCleanup(self.close)
        threading.Thread(target=self._read, daemon=True).start()
        self.full = self.expect("online", lambda e: e["ev"] == "online")["jid"]

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def do(self, what, **more):
        self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.process.stdin.flush()

    def expect(self, what, condition, timeout=20):
        """The first event not asked for yet that fulfils the condition."""
        end = time.monotonic() + timeout
        while True:
            for event in self.seen:
                if condition(event):
                    self.seen.remove(event)
                    return event
            try:
                self.seen.append(self.lines.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError("%s: no %s; seen: %r" % (self.jid, what, self.seen[-8:])) from None

    def expect_in(self, name, *words, **fields):
        return self.expect("%s with %r %r" % (name, words, fields), lambda e: e["ev"] == "in" and e["name"] == name
                           and all(w in e["xml"] for w in words) and all(e[k] == v for k, v in fields.items()))

    def expect_answer(self, to):
        return self.expect("answer to " + to, lambda e: e["ev"] == "answer" and e["to"] == to)


class Page:
    """A session that uses one account through Sockethub."""

    def __init__(self, stack, actor, credentials, sid=None):
        self.stack, self.actor = stack, actor
        self.sid = sid or stack.register()
        self.cursor, self.seen, self.rid = None, [], 0
        reply = stack.post({"rid": "set", "platform": "xmpp", "verb": "set", "actor": {"address": actor}, "target": [],
                            "object": credentials}, sid=self.sid).replies[-1]
        if reply.get("status") is not True:
            raise AssertionError(reply)

    def job(self, verb, target=None, obj=None, **actor):
        self.rid += 1
        targets = target if isinstance(target, list) else [{"address": target}] if target else []
        return {"rid": self.rid, "platform": "xmpp", "verb": verb, "actor": {"address": self.actor, **actor},
                "target": targets, "object": obj or {}}

    def try_do(self, verb, target=None, obj=None, wait=40, **actor):
        """The result, success or not."""
        job = self.job(verb, target, obj, **actor)
        return self.stack.post(job, sid=self.sid, wait=wait).replies[-1]

    def do(self, verb, target=None, obj=None, **actor):
        result = self.try_do(verb, target, obj, **actor)
        if result.get("status") is not True or result.get("verb") != verb:
            raise AssertionError(result)
        return result["object"]

    def fails(self, verb, target=None, obj=None, **actor):
        result = self.try_do(verb, target, obj, **actor)
        if result.get("status") is not False:
            raise AssertionError(result)
        return result["message"]

    def expect(self, what, condition, timeout=30):
        """The first message not asked for yet that fulfils the condition."""
        end = time.monotonic() + timeout
        while True:
            for message in self.seen:
                if condition(message):
                    self.seen.remove(message)
                    return message
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError("%s: no %s; seen: %r" % (self.actor, what, self.seen[-8:]))
            self.cursor, more = self.stack.poll(self.sid, self.cursor, wait=min(5, max(1, int(left))))
            self.seen += [m for m in more if "rid" not in m]

    def expect_verb(self, verb, **obj):
        return self.expect("%s %r" % (verb, obj), lambda m: m["verb"] == verb
                           and all(m["object"].get(k) == v for k, v in obj.items()))

    def drain(self):
        """All there is by now."""
        self.cursor, more = self.stack.poll(self.sid, self.cursor, wait=0)
        self.seen += [m for m in more if "rid" not in m]
        found, self.seen = self.seen, []
        return found


class XmppTest(lib.StackTest, client.Problems):
    """Tests that share a Prosody; each takes users of its own."""

    maxDiff = None
    server_env = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Prosody(env=cls.server_env)
        cls.addClassCleanup(cls.server.close)

    def xmpp(self, settings=None, config=None, **how):
        return self.stack(platforms={"xmpp": {"ca_file": self.server.ca, **(settings or {})}},
                          config={**ALLOW, **(config or {})}, **how)

    def page(self, stack, jid=None, **credentials):
        jid = jid or self.server.user()
        return Page(stack, jid, self.server.credentials(jid, **credentials))

    def peer(self, jid=None):
        return Peer(self, self.server, jid or self.server.user())

    def friends(self, page, peer):
        """Both see each other's presence."""
        page.do("request-friend", peer.jid)
        peer.expect_in("presence", type="subscribe")
        peer.do("raw", xml="<presence to='%s' type='subscribed'/>" % page.actor)
        peer.do("raw", xml="<presence to='%s' type='subscribe'/>" % page.actor)
        page.expect("request", lambda m: m["verb"] == "request-friend" and m["actor"]["address"] == peer.jid)
        page.do("make-friend", peer.jid)
        peer.expect_in("presence", type="subscribed")
