#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""xmpp_peer JID HOST PORT CA: the other side in the tests of XMPP: slixmpp, a client that knows nothing of Sockethub.

Runs as a process of its own, because slixmpp is a package of the system's python. A command is a line of JSON on
standard input, an event one on standard output:
  {"do":"raw","xml":"<presence/>"}  {"do":"message","to":..,"body":..,"type":"chat"}  {"do":"join","room":..,"nick":..}
  {"do":"version","to":..}          {"do":"ping","to":..}                             {"do":"info","to":..}
  {"ev":"online","jid":..}  {"ev":"in","xml":..,"name":..,"from":..,"type":..,"id":..,"body":..}  {"ev":"answer",..}
  {"ev":"failed"}           {"ev":"offline"}
The password is "secret" for everybody."""

import asyncio
import json
import os
import sys

import slixmpp


class Peer(slixmpp.ClientXMPP):
    def __init__(self, jid, ca):
        super().__init__(jid, "secret")
        self.ca_certs = ca
        for plugin in ("xep_0030", "xep_0045", "xep_0085", "xep_0092", "xep_0184", "xep_0199", "xep_0280", "xep_0308"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("failed_all_auth", lambda _: self.say("failed"))
        self.add_event_handler("disconnected", lambda _: self.say("offline"))
        self.add_filter("in", self.on_stanza)

    def say(self, ev, **more):
        print(json.dumps({"ev": ev, **more}), flush=True)

    async def on_start(self, _):
        await self.get_roster()
        await self.plugin["xep_0280"].enable()
        self.send_presence()
        self.say("online", jid=str(self.boundjid))

    def on_stanza(self, stanza):
        if isinstance(stanza, (slixmpp.Message, slixmpp.Presence, slixmpp.Iq)):
            body = stanza["body"] if isinstance(stanza, slixmpp.Message) else ""
            self.say("in", name=stanza.name, type=stanza["type"], id=stanza["id"], body=body, xml=str(stanza),
                     **{"from": str(stanza["from"])})
        return stanza

    async def answer(self, what, future):
        try:
            self.say("answer", to=what, xml=str(await future))
        except Exception as e:  # whatever it is, the test wants to know
            self.say("answer", to=what, error=repr(e))

    def do(self, c):
        if c["do"] == "raw":
            self.send_raw(c["xml"])
        elif c["do"] == "message":
            self.send_message(mto=c["to"], mbody=c["body"], mtype=c.get("type", "chat"))
        elif c["do"] == "join":
            asyncio.ensure_future(self.answer("join", self.plugin["xep_0045"].join_muc_wait(c["room"], c["nick"])))
        elif c["do"] == "version":
            asyncio.ensure_future(self.answer("version", self.plugin["xep_0092"].get_version(c["to"])))
        elif c["do"] == "ping":
            asyncio.ensure_future(self.answer("ping", self.plugin["xep_0199"].send_ping(c["to"], timeout=10)))
        elif c["do"] == "info":
            asyncio.ensure_future(self.answer("info", self.plugin["xep_0030"].get_info(c["to"])))


def main():
    jid, host, port, ca = sys.argv[1:]
    peer = Peer(jid, ca)

    rest = b""

    def on_input():
        nonlocal rest
        more = os.read(0, 65536)
        if not more:
            peer.loop.stop()
        *lines, rest = (rest + more).split(b"\n")
        for line in lines:
            peer.do(json.loads(line))
    peer.loop.add_reader(0, on_input)
    peer.connect((host, int(port)))
    peer.loop.run_forever()


if __name__ == "__main__":
    main()
