# SPDX-License-Identifier: MIT
"""Chat and contacts over a real server, with an independent client at the other end."""

import re

import lib
import xmpp


class Chat(xmpp.XmppTest):
    def test_both_ways(self):
        s = self.xmpp()
        page, peer = self.page(s, resource="web"), self.peer()
        self.assertEqual({"objectType": "connect", "address": page.actor + "/web"}, page.do("connect"))
        sent = page.do("send", peer.jid, {"text": "Grüße & <b>love</b> ☕"})
        got = peer.expect_in("message", body="Grüße & <b>love</b> ☕")
        self.assertEqual((page.actor + "/web", "chat", sent["id"]), (got["from"], got["type"], got["id"]))
        peer.do("message", to=page.actor, body="and back <i/>")
        m = page.expect_verb("send", text="and back <i/>")
        self.assertEqual((peer.jid, [{"address": page.actor}], "xmpp", True),
                         (m["actor"]["address"], m["target"], m["platform"], m["status"]))
        self.assertNotIn("rid", m)

    def test_many_messages_keep_their_order(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        jobs = [page.job("send", peer.jid, {"text": "n%d" % i}) for i in range(100)]
        replies = s.post(jobs, sid=page.sid, wait=40).replies
        self.assertEqual(200, sum(r["status"] for r in replies))
        for i in range(100):
            self.assertEqual("n%d" % i, peer.expect("a message", lambda e: e["ev"] == "in" and e["body"])["body"])

    def test_details_of_messages(self):
        """Receipts, chat states, corrections, threads."""
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        self.friends(page, peer)
        sent = page.do("send", peer.jid, {"text": "teh", "receipt": True, "thread": "t1", "subject": "S"})
        peer.expect_in("message", "<thread>t1</thread>", "<subject>S</subject>", body="teh")
        # slixmpp answers by itself.
        self.assertEqual(peer.jid, page.expect_verb("update", objectType="receipt", receipt="received",
                                                    id=sent["id"])["actor"]["address"])
        page.do("send", peer.jid, {"text": "the", "replaces": sent["id"]})
        peer.expect_in("message", "urn:xmpp:message-correct:0", sent["id"], body="the")
        page.do("send", peer.jid, {"chatState": "composing"})
        peer.expect_in("message", "<composing")
        peer.do("raw", xml="<message to='%s' type='chat' id='m7'><body>ack me</body><request "
                "xmlns='urn:xmpp:receipts'/></message>" % page.actor)
        page.expect_verb("send", text="ack me", id="m7")
        peer.expect_in("message", "<received", "m7")
        peer.do("raw", xml="<message to='%s' type='chat' id='m8'><body>fixed</body><replace id='m7' "
                "xmlns='urn:xmpp:message-correct:0'/></message>" % page.actor)
        page.expect_verb("send", text="fixed", replaces="m7")
        peer.do("raw", xml="<message to='%s' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/>"
                "</message>" % page.actor)
        page.expect_verb("update", objectType="chatState", chatState="paused")

    def test_bounce(self):
        s = self.xmpp()
        page = self.page(s)
        self.assertIn("no", page.fails("send", "nobody-at-all@nowhere.invalid", {"text": "x"}))
        self.assertIn("target", page.fails("send", None, {"text": "x"}))

    def test_sessions_of_one_account_agree(self):
        """Two pages and an independent client on the same account."""
        s = self.xmpp()
        jid = self.server.user()
        one, two = self.page(s, jid, resource="web"), self.page(s, jid, resource="web")
        other, own = self.peer(), self.peer(jid + "/desk")
        one.do("connect")
        two.do("connect")
        self.assertEqual(1, len(s.workers["xmpp"][0].events("xmpp.online")))
        one.do("send", other.jid, {"text": "from one", "id": "o1"})
        m = two.expect_verb("send", text="from one")
        self.assertEqual((jid, other.jid, "sent", "o1"), (m["actor"]["address"], m["target"][0]["address"],
                                                          m["object"]["carbon"], m["object"]["id"]))
        own.expect_in("message", "urn:xmpp:carbons:2", "from one")
        self.assertEqual([], [m for m in one.drain() if m["verb"] == "send"])
        own.do("message", to=other.jid, body="from the desk")
        for page in (one, two):
            m = page.expect_verb("send", text="from the desk")
            self.assertEqual((jid, other.jid, "sent"), (m["actor"]["address"], m["target"][0]["address"],
                                                        m["object"]["carbon"]))

    def test_answers_of_a_client(self):
        s = self.xmpp()
        page, peer = self.page(s, resource="web"), self.peer()
        page.do("connect")
        # What the presence claims is what one gets (XEP-0115).
        self.friends(page, peer)
        caps = peer.expect_in("presence", "http://jabber.org/protocol/caps")["xml"]
        node = re.search(r"""\bnode=['"]([^'"]*)""", caps).group(1) + "#" + \
            re.search(r"""\bver=['"]([^'"]*)""", caps).group(1)
        peer.do("raw", xml="<iq type='get' id='caps' to='%s/web'><query xmlns='http://jabber.org/protocol/disco#info' "
                "node='%s'/></iq>" % (page.actor, node))
        peer.expect_in("iq", "urn:xmpp:receipts", node, id="caps", type="result")
        for what in ("version", "ping", "info"):
            peer.do(what, to=page.actor + "/web")
            self.assertNotIn("error", peer.expect_answer(what))
        peer.do("raw", xml="<iq type='get' id='odd' to='%s/web'><query xmlns='urn:odd'/></iq>" % page.actor)
        peer.expect_in("iq", "service-unavailable", id="odd", type="error")


    def test_forgeries(self):
        """Nobody speaks for somebody else."""
        s = self.xmpp()
        page, peer = self.page(s, resource="web"), self.peer()
        page.do("connect")
        inner = "<message xmlns='jabber:client' from='%s' to='x@localhost' type='chat'><body>forged</body></message>"
        peer.do("raw", xml="<message to='%s' type='chat'><sent xmlns='urn:xmpp:carbons:2'><forwarded "
                "xmlns='urn:xmpp:forward:0'>%s</forwarded></sent></message>" % (page.actor, inner % page.actor))
        peer.do("raw", xml="<message to='%s' xmlns:x='urn:x' x:from='boss@localhost' type='chat'><body>whose?</body>"
                "</message>" % page.actor)
        peer.do("raw", xml="<iq type='set' id='push' to='%s/web'><query xmlns='jabber:iq:roster'><item jid='%s' "
                "subscription='both'/></query></iq>" % (page.actor, peer.jid))
        peer.expect_in("iq", id="push", type="error")
        peer.do("message", to=page.actor, body="the end")
        page.expect_verb("send", text="the end")
        found = [m for m in page.drain() if m["verb"] in ("send", "update", "request-friend")]
        self.assertEqual([(peer.jid, "whose?")], [(m["actor"]["address"], m["object"].get("text")) for m in found])


class Contacts(xmpp.XmppTest):
    def test_friends(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        self.friends(page, peer)
        page.expect("presence", lambda m: m["verb"] == "update" and m["actor"]["address"] == peer.jid
                    and m["object"].get("state") == "online")
        peer.do("raw", xml="<presence><show>dnd</show><status>busy</status></presence>")
        page.expect_verb("update", state="dnd", statusText="busy")
        page.do("update", None, {"objectType": "presence", "show": "away", "status": "tea", "roster": False})
        peer.expect_in("presence", "<show>away</show>", "<status>tea</status>")
        page.do("update", None, {"show": "offline", "roster": False})
        peer.expect_in("presence", type="unavailable")
        page.do("update", None, {"type": "chat", "roster": False})
        peer.expect_in("presence", "<show>chat</show>")
        page.do("remove-friend", peer.jid)
        peer.expect_in("presence", type="unsubscribed")
        rows = page.do("fetch", "roster")["items"]
        self.assertNotIn("both", [r["subscription"] for r in rows])

    def test_roster(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        self.assertEqual(0, page.do("fetch", "roster")["count"])
        page.do("update", peer.jid, {"objectType": "contact", "name": "Bob", "groups": ["tea", "work"]})
        rows = page.do("fetch", "roster")
        self.assertEqual(1, rows["count"])
        row = rows["items"][0]
        self.assertEqual((peer.jid, "Bob", ["tea", "work"]), (row["address"], row["name"], sorted(row["groups"])))
        page.expect("row", lambda m: m["actor"].get("name") == "Bob" and m["verb"] == "request-friend")
        # The classic way: a presence asks for the roster.
        page.do("update", None, {"show": "available", "status": ""})
        page.expect("row", lambda m: m["actor"].get("name") == "Bob")
        page.do("update", peer.jid, {"objectType": "contact", "remove": True})
        self.assertEqual(0, page.do("fetch", "roster")["count"])

    def test_refused_request(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        page.do("connect")
        peer.do("raw", xml="<presence to='%s' type='subscribe'/>" % page.actor)
        m = page.expect_verb("request-friend")
        self.assertEqual((peer.jid, [{"address": page.actor}]), (m["actor"]["address"], m["target"]))
        page.do("remove-friend", peer.jid)
        peer.expect_in("presence", type="unsubscribed")


class Archive(xmpp.XmppTest):
    def test_own_archive(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        for i in range(7):
            page.do("send", peer.jid, {"text": "old %d" % i, "receipt": False})
        history = {"objectType": "history", "limit": 3}
        page.drain()
        last = page.do("fetch", None, history)
        texts = [m["object"]["text"] for m in page.drain() if m["verb"] == "send"]
        self.assertEqual(["old 4", "old 5", "old 6"], texts)
        self.assertFalse(last["complete"])
        before = page.do("fetch", None, {**history, "before": last["first"]})
        texts = [m["object"]["text"] for m in page.drain() if m["verb"] == "send"]
        self.assertEqual(["old 1", "old 2", "old 3"], texts)
        page.do("fetch", page.actor, {**history, "after": before["last"], "with": peer.jid})
        found = [m for m in page.drain() if m["verb"] == "send"]
        self.assertEqual(["old 4", "old 5", "old 6"], [m["object"]["text"] for m in found])
        self.assertEqual((page.actor, peer.jid, True), (found[0]["actor"]["address"], found[0]["target"][0]["address"],
                                                        found[0]["object"]["archived"]))
        page.do("fetch", None, {**history, "with": "other@localhost"})
        self.assertEqual([], [m for m in page.drain() if m["verb"] == "send"])
        self.assertIn("what to fetch", page.fails("fetch", None, {}))


if __name__ == "__main__":
    lib.main()
