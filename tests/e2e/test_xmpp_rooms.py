# SPDX-License-Identifier: MIT
"""Rooms of a real server: who is in them, what is said, what is refused; with an independent client inside."""

import lib
import xmpp

OWNER = "http://jabber.org/protocol/muc#owner"
ADMIN = "http://jabber.org/protocol/muc#admin"


class Rooms(xmpp.XmppTest):
    def setUp(self):
        self.room = "%s@%s" % (self._testMethodName.replace("_", "-"), xmpp.MUC)

    def peer_inside(self, nick="peer"):
        peer = self.peer()
        peer.do("join", room=self.room, nick=nick)
        self.assertNotIn("error", peer.expect_answer("join"))
        return peer

    def configure(self, peer, **fields):
        xml = "".join("<field var='%s'><value>%s</value></field>" % ("muc#roomconfig_" + k, v)
                      for k, v in fields.items())
        peer.do("raw", xml="<iq type='set' id='cfg' to='%s'><query xmlns='%s'><x xmlns='jabber:x:data' type='submit'>"
                "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>%s</x></query>"
                "</iq>" % (self.room, OWNER, xml))
        peer.expect_in("iq", id="cfg", type="result")

    def test_talk(self):
        s = self.xmpp()
        peer, page = self.peer_inside(), self.page(s)
        joined = page.do("join", self.room, {"nick": "Äanne"})
        self.assertEqual((self.room, "Äanne", 2), (joined["address"], joined["nick"], joined["occupants"]))
        m = page.expect("own join", lambda m: m["verb"] == "join" and m["object"].get("own"))
        self.assertEqual((self.room + "/Äanne", self.room), (m["actor"]["address"], m["target"][0]["address"]))
        peer.expect_in("presence", **{"from": self.room + "/Äanne"})
        page.do("send", self.room, {"text": "to all <of> you"})
        peer.expect_in("message", body="to all <of> you", type="groupchat")
        # The own words come back, so that everybody sees the same order.
        page.expect_verb("send", text="to all <of> you", own=True)
        peer.do("message", to=self.room, body="hello", type="groupchat")
        m = page.expect_verb("send", text="hello")
        self.assertEqual((self.room + "/peer", "peer", self.room),
                         (m["actor"]["address"], m["actor"]["name"], m["target"][0]["address"]))
        page.do("send", self.room + "/peer", {"text": "only you"})
        peer.expect_in("message", "http://jabber.org/protocol/muc#user", body="only you", type="chat")
        self.assertEqual({"Äanne", "peer"}, set(page.do("observe", self.room)["members"]))
        m = page.expect_verb("observe")
        self.assertEqual({"Äanne", "peer"}, set(m["object"]["members"]))

    def test_comings_and_goings(self):
        s = self.xmpp()
        page = self.page(s)
        joined = page.do("join", self.room + "/Anne")
        self.assertTrue(joined.get("created"))
        peer = self.peer_inside()
        self.assertEqual("peer", page.expect("join", lambda m: m["verb"] == "join" and not m["object"].get("own"))
                         ["actor"]["name"])
        peer.do("raw", xml="<presence to='%s/renamed'/>" % self.room)
        m = page.expect_verb("update", objectType="address")
        self.assertEqual((self.room + "/peer", self.room + "/renamed"),
                         (m["actor"]["address"], m["target"][0]["address"]))
        self.assertEqual({"Anne", "renamed"}, set(page.do("observe", self.room)["members"]))
        page.do("update", self.room, {"objectType": "nick", "nick": "Anna"})
        peer.expect_in("presence", **{"from": self.room + "/Anna"})
        self.assertIn("taken", page.fails("update", self.room, {"objectType": "nick", "nick": "renamed"}))
        page.do("update", self.room, {"objectType": "topic", "topic": "Tea & scones"})
        peer.expect_in("message", "Tea &amp; scones", type="groupchat")
        page.expect_verb("update", objectType="topic", topic="Tea & scones")
        peer.do("raw", xml="<presence type='unavailable' to='%s/renamed'><status>bye</status></presence>" % self.room)
        m = page.expect_verb("leave", text="bye")
        self.assertEqual("renamed", m["actor"]["name"])
        page.do("leave", self.room, {"text": "me too"})
        self.assertIn("not in the room", page.fails("leave", self.room))
        self.assertIn("not in the room", page.fails("update", self.room, {"objectType": "topic", "topic": "x"}))

    def test_refusals(self):
        s = self.xmpp()
        peer, page = self.peer_inside(), self.page(s)
        self.assertIn("nick", page.fails("join", self.room + "/peer"))
        self.configure(peer, roomsecret="tea", passwordprotectedroom="1")
        self.assertIn("password", page.fails("join", self.room + "/Anne"))
        self.assertIn("password", page.fails("join", self.room + "/Anne", {"password": "coffee"}))
        page.do("join", self.room + "/Anne", {"password": "tea"})
        page.do("leave", self.room)
        self.configure(peer, roomsecret="", passwordprotectedroom="0", membersonly="1")
        self.assertIn("members", page.fails("join", self.room + "/Anne"))
        self.configure(peer, membersonly="0")
        peer.do("raw", xml="<iq type='set' id='ban' to='%s'><query xmlns='%s'><item affiliation='outcast' jid='%s'/>"
                "</query></iq>" % (self.room, ADMIN, page.actor))
        peer.expect_in("iq", id="ban", type="result")
        self.assertIn("banned", page.fails("join", self.room + "/Anne"))
        self.assertTrue(page.fails("join", "room@no-such-host.invalid/Anne"))
        self.assertTrue(page.fails("send", self.room, {"text": "from outside"}))

    def test_kicked(self):
        s = self.xmpp()
        peer, page = self.peer_inside(), self.page(s)
        page.do("join", self.room + "/Anne")
        peer.do("raw", xml="<iq type='set' id='kick' to='%s'><query xmlns='%s'><item nick='Anne' role='none'><reason>"
                "enough</reason></item></query></iq>" % (self.room, ADMIN))
        m = page.expect_verb("leave", own=True)
        self.assertEqual(("kicked", "enough"), (m["object"]["condition"], m["object"]["text"]))
        self.assertIn("not in the room", page.fails("leave", self.room))

    def test_offline_to_contacts(self):
        """Who is offline may enter a room all the same; going offline leaves those entered before."""
        s = self.xmpp()
        peer, page = self.peer_inside(), self.page(s)
        page.do("join", self.room + "/Anne")
        page.do("update", None, {"show": "offline", "roster": False})
        page.expect_verb("leave", own=True)
        page.do("join", self.room + "/Anne")
        page.do("send", self.room, {"text": "unseen by others"})
        peer.expect_in("message", body="unseen by others")
        page.do("update", self.room, {"objectType": "nick", "nick": "Anna"})
        peer.expect_in("presence", **{"from": self.room + "/Anna"})

    def test_second_session(self):
        s = self.xmpp()
        jid = self.server.user()
        one, two = self.page(s, jid, resource="web"), self.page(s, jid, resource="web")
        peer = self.peer_inside()
        one.do("join", self.room + "/Anne")
        joined = two.do("join", self.room + "/Anne")
        self.assertEqual(2, joined["occupants"])
        self.assertEqual({"Anne", "peer"}, set(two.expect_verb("observe")["object"]["members"]))
        two.do("send", self.room, {"text": "one voice"})
        peer.expect_in("message", body="one voice")
        for page in (one, two):
            page.expect_verb("send", text="one voice", own=True)

    def test_room_info_and_archive(self):
        s = self.xmpp()
        peer, page = self.peer_inside(), self.page(s)
        self.configure(peer, roomname="The Tea Room", publicroom="1")
        for i in range(3):
            peer.do("message", to=self.room, body="said %d" % i, type="groupchat")
            peer.expect_in("message", body="said %d" % i)
        info = page.do("observe", self.room, {"objectType": "room-info"})
        self.assertEqual("The Tea Room", info["name"])
        self.assertIn("http://jabber.org/protocol/muc", info["features"])
        rooms = page.do("observe", xmpp.MUC, {"objectType": "items"})["items"]
        self.assertIn((self.room, "The Tea Room"), [(r["address"], r.get("name")) for r in rooms])
        self.assertEqual("Prosody", page.do("observe", "localhost", {"objectType": "version"})["name"])
        page.do("join", self.room + "/Anne", {"history": 0})
        page.drain()
        result = page.do("fetch", self.room, {"objectType": "history"})
        self.assertTrue(result["complete"])
        found = [m for m in page.drain() if m["verb"] == "send"]
        self.assertEqual(["said 0", "said 1", "said 2"], [m["object"]["text"] for m in found])
        self.assertEqual(self.room + "/peer", found[0]["actor"]["address"])
        newest = page.do("fetch", self.room, {"objectType": "history", "limit": 1})
        older = page.do("fetch", self.room, {"objectType": "history", "limit": 1, "before": newest["first"]})
        again = page.do("fetch", self.room, {"objectType": "history", "limit": 1, "after": older["last"]})
        self.assertEqual((newest["first"], newest["last"]), (again["first"], again["last"]))
        self.assertEqual(["said 2", "said 1", "said 2"], [m["object"]["text"] for m in page.drain() if m["verb"] == "send"])
        self.assertTrue(page.fails("observe", "no-room-here@no-such-host.invalid"))

    def test_invitation(self):
        s = self.xmpp()
        page, peer = self.page(s), self.peer()
        page.do("join", self.room + "/Anne")
        page.do("update", peer.jid, {"objectType": "invitation", "room": self.room, "text": "come in"})
        peer.expect_in("message", "<invite", "come in")
        other = self.page(s)
        other.do("connect")
        peer.do("raw", xml="<message to='%s'><x xmlns='jabber:x:conference' jid='%s' reason='you too'/></message>"
                % (other.actor, self.room))
        m = other.expect_verb("update", objectType="invitation", room=self.room, text="you too")
        self.assertEqual(peer.jid, m["actor"]["address"])

    def test_bound(self):
        s = self.xmpp({"rooms_max": 2})
        page = self.page(s)
        for name in ("a", "b"):
            page.do("join", "%s-%s/Anne" % (name, self.room))
        self.assertIn("limit", page.fails("join", "c-%s/Anne" % self.room))
        page.do("leave", "a-" + self.room)
        page.do("join", "c-%s/Anne" % self.room)


if __name__ == "__main__":
    lib.main()
