# SPDX-License-Identifier: MIT
"""Much at once: a long roster, a full room. Others on the same worker shall not notice."""

import hashlib
import os
import re
import socket
import threading
import time

import lib
import xmpp

OCCUPANTS = 5000
CONTACTS = 10000


class Component:
    """A room service of our own (XEP-0114): whoever enters the room is told of `n` occupants, then of himself."""

    def __init__(self, port, name, secret, n):
        self.name, self.n = name, n
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.sendall(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/"
                            b"streams' to='%s'>" % name.encode())
        stream_id = self.read(r"""\bid=['"]([^'"]*)['"]""")
        digest = hashlib.sha1((stream_id + secret).encode()).hexdigest()
        self.socket.sendall(b"<handshake>%s</handshake>" % digest.encode())
        self.read("(handshake)")
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()

    def read(self, pattern):
        text = ""
        while not re.search(pattern, text):
            more = self.socket.recv(65536).decode()
            if not more:
                raise AssertionError("the component's stream has ended after %r" % text)
            text += more
        return re.search(pattern, text).group(1)

    def serve(self):
        text = ""
        while True:
            try:
                more = self.socket.recv(65536).decode()
            except OSError:
                return
            if not more:
                return
            text += more
            for m in re.finditer(r"<presence\b[^>]*>", text):
                who = re.search(r"""\bfrom=['"]([^'"]*)""", m.group()).group(1)
                to = re.search(r"""\bto=['"]([^'"]*)""", m.group()).group(1)
                if "unavailable" not in m.group():
                    self.enter(who, to.partition("/")[0], to.partition("/")[2])
            text = text[text.rfind("<"):] if ">" not in text[text.rfind("<"):] else ""

    def enter(self, who, room, nick):
        x = "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/>%s</x>"
        one = "<presence from='%s/%s' to='%s'>%s</presence>"
        self.socket.sendall("".join(one % (room, "n%d" % i, who, x % "") for i in range(self.n)).encode())
        self.socket.sendall((one % (room, nick, who, x % "<status code='110'/>")).encode())


class Large(xmpp.XmppTest):
    @classmethod
    def setUpClass(cls):
        cls.component_port = lib.free_port()
        extra = lib.tempfile.NamedTemporaryFile("w", suffix=".lua")
        cls.addClassCleanup(extra.close)
        extra.write("component_ports = { %d }\ncomponent_interfaces = { '127.0.0.1' }\n"
                    "Component \"full.localhost\"\n    component_secret = \"s\"\n" % cls.component_port)
        extra.flush()
        cls.server_env = {"XMPP_EXTRA": extra.name}
        super().setUpClass()

    def write_roster(self, jid, n):
        folder = os.path.join(self.server.dir, "data/localhost/roster")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, jid.partition("@")[0] + ".dat"), "w") as f:
            f.write("return { [false] = { ['version'] = 1; }; ")
            for i in range(n):
                f.write("['contact-%d@localhost'] = { ['subscription'] = 'from'; ['groups'] = { ['Friends'] = true; "
                        "['Work'] = true; }; ['name'] = 'Contact number %d'; }; " % (i, i))
            f.write("};")

    def service(self):
        service = Component(self.component_port, "full.localhost", "s", OCCUPANTS)
        self.addCleanup(service.close)

    def all_of(self, page):
        found = page.drain()
        more = found
        while more:
            more = page.drain()
            found += more
        return found

    def test_roster(self):
        s = self.xmpp()
        jid = self.server.user()
        self.write_roster(jid, CONTACTS)
        page = self.page(s, jid)
        rows = page.do("fetch", "roster", wait=60)
        # The rest stands in the result only.
        told = [m for m in self.all_of(page) if m["verb"] == "request-friend"]
        self.assertEqual(5000, len(told))
        self.assertEqual((CONTACTS, CONTACTS), (rows["count"], len(rows["items"])))
        self.assertEqual([], s.workers["xmpp"][0].events("xmpp.offline"))

    def test_full_room(self):
        self.service()
        s = self.xmpp()
        page, other = self.page(s), self.page(s)
        other.do("connect")
        s.post(page.job("join", "room@full.localhost/Anne"), sid=page.sid)
        slowest = 0
        while not any(m["verb"] == "join" and m["object"].get("own") for m in page.seen):
            at = time.monotonic()
            other.do("observe", "localhost", {"objectType": "version"})
            slowest = max(slowest, time.monotonic() - at)
            page.cursor, more = s.poll(page.sid, page.cursor, wait=0)
            page.seen += [m for m in more if "rid" not in m]
        self.assertLess(slowest, 2)
        names = {m["actor"].get("name") for m in page.seen if m["verb"] == "update"}
        self.assertEqual(OCCUPANTS, len(names))

    def test_small_outbox(self):
        """Who does not read is told that something is missing."""
        self.service()
        s = self.xmpp(config={"limits": {"outbox": 1000}})
        page = self.page(s)
        page.do("join", "room@full.localhost/Anne")
        errors = [m["object"]["text"] for m in self.all_of(page) if m["verb"] == "error"]
        self.assertIn("the outbox is full", errors[0])


if __name__ == "__main__":
    lib.main()
