# SPDX-License-Identifier: MIT
"""What a user gave us is nowhere in the clear: not in Redis, not in its files, not in a log at the most talkative
level. Marker words go in everywhere a client can put one; afterwards everything that was kept is searched."""

import base64
import os

import lib
import replies
from client import JSON, Background, job

PASSWORD, USER = "MARKpassword7291", "MARKuser7291"
ACTOR, TARGET = "MARKactor7291", "MARKtarget7291"
TEXT, RID, FAIL = "MARKtext7291", "MARKrid7291", "MARKfail7291"
SECRET = "MARKsecret7291"


class Secrets(lib.StackTest):
    def forms(self, word):
        """The word as it would look when somebody only encoded it."""
        raw = word.encode()
        yield raw
        yield raw.hex().encode()
        for lead in range(3):
            yield base64.b64encode(b"x" * lead + raw)[4 if lead else 0:-4]

    def redis_dump(self, s):
        """Everything in Redis, keys and values, of each type."""
        out = []
        for key in s.redis("KEYS", "*"):
            out.append(key)
            kind = s.redis("TYPE", key).decode()
            command = {"string": ("GET", key), "hash": ("HGETALL", key), "list": ("LRANGE", key, 0, -1),
                       "set": ("SMEMBERS", key), "zset": ("ZRANGE", key, 0, -1, "WITHSCORES"),
                       "stream": ("XRANGE", key, "-", "+")}[kind]
            out.append(s.redis(*command))
        return self.flat(out)

    def flat(self, value):
        if isinstance(value, list):
            return b"\n".join(self.flat(v) for v in value)
        return value if isinstance(value, bytes) else str(value).encode()

    def files(self, s):
        """(name, bytes) of all that the processes wrote, the configuration and key of the test aside."""
        for folder, _, names in os.walk(s.dir):
            for name in names:
                path = os.path.join(folder, name)
                if name in ("sockethub.json", "master.key") or not os.path.isfile(path):
                    continue
                with open(path, "rb") as f:
                    yield name, f.read()

    def run_all(self, s):
        """Every kind of job, good and bad; leaves jobs in the queue and messages in the outbox. The session's id."""
        actor = {"address": ACTOR, "name": ACTOR}
        fields = {"objectType": "credentials", "user": USER, "password": PASSWORD}
        register = {"rid": RID, "platform": "dispatcher", "verb": "register", "object": {"secret": SECRET}}
        sid = s.post(register).sid

        def on_dummy(verb, **obj):
            return {"rid": RID, "platform": "dummy", "verb": verb, "actor": actor, "target": [{"address": TARGET}],
                    "object": obj}
        jobs = [
            {"rid": RID, "platform": "vault", "verb": "set", "target": {}, "actor": actor, "object": fields},
            {"rid": RID, "platform": "dispatcher", "verb": "set", "target": {"platform": "vault"},
             "object": {"credentials": {ACTOR: fields}}},
            {"rid": RID, "platform": "vault", "verb": "set", "target": {}, "actor": actor,
             "object": {"objectType": "credentials", "user": USER, "password": 7, "more": PASSWORD}},
            {"rid": RID, "platform": "dispatcher", "verb": "register", "object": {"secret": SECRET + "-wrong"}},
            {"rid": RID, "platform": TEXT, "verb": TEXT}, {"rid": RID, "platform": "dummy", "verb": TEXT},
            {"rid": RID, "platform": "vault", "verb": "send", "actor": actor, "object": {"text": TEXT}},
            on_dummy("echo", text=TEXT), on_dummy("fail", text=FAIL), on_dummy("burst", n=3), on_dummy("burst", n=TEXT),
            on_dummy("crash"),
        ]
        s.post(jobs, sid=sid, wait=20)
        s.post([on_dummy("echo", text=TEXT), on_dummy("fail", text=FAIL), on_dummy("delay", ms=600000, text=TEXT)],
               sid=sid)
        s.collect(sid, lambda m: len(m) >= 5)
        s.http("POST", s.base + "/" + sid, b'{"rid":"%s' % TEXT.encode(), JSON)
        s.http("GET", "%s/%s/%s" % (s.base, sid, TEXT))
        s.http("GET", "%s/%s?after=%s" % (s.base, sid, TEXT))
        s.http("POST", s.base, b"[]", {"Authorization": "Bearer " + sid, **JSON})
        with s.sse(sid) as stream:
            stream.next_event()
        poll = Background(s.poll, sid, wait=2)
        poll.result()
        return sid

    def test_nothing_is_left_in_the_clear(self):
        s = replies.make(self, config={"secrets": [SECRET]}, env={"SOCKETHUB_SECRETS": SECRET})
        # What Redis' own log of slow commands keeps is all commands here.
        s.redis("CONFIG", "SET", "slowlog-log-slower-than", "0")
        s.redis("CONFIG", "SET", "slowlog-max-len", "100000")
        sid = self.run_all(s)
        s.redis("BGREWRITEAOF")
        lib.until("the file is written anew", lambda: b"aof_rewrite_in_progress:0" in s.redis("INFO", "persistence") and
                  b"aof_rewrite_scheduled:0" in s.redis("INFO", "persistence"))
        places = dict(self.files(s), dump=self.redis_dump(s), slow=self.flat(s.redis("SLOWLOG", "GET", "-1")),
                      clients=s.redis("CLIENT", "LIST"))
        lists = [p for p in places if p.endswith((".aof", ".rdb"))]
        self.assertTrue(lists and len(places["dump"]) > 1000 and len(places["slow"]) > 1000, list(places))
        for process in s.processes:
            self.assertIn(" level=debug ", process.log())
        for word in (PASSWORD, USER, ACTOR, TARGET, TEXT, RID, FAIL, SECRET, sid):
            for name, data in places.items():
                for form in self.forms(word):
                    self.assertNotIn(form, data, "%s in %s" % (word, name))

    def test_the_search_finds(self):
        """The test above would see a word that is there."""
        s = self.stack()
        s.redis("SET", "x", "..%s.." % PASSWORD)
        s.redis("SET", "y", base64.b64encode(b".%s.." % PASSWORD.encode()))
        dump = self.redis_dump(s)
        self.assertGreaterEqual(sum(form in dump for form in self.forms(PASSWORD)), 2)
        self.assertIn(PASSWORD.encode(), b"".join(data for _, data in self.files(s)))

    def test_credentials_go_with_the_session(self):
        s = replies.make(self)
        sid = s.register()
        fields = {"objectType": "credentials", "user": USER, "password": PASSWORD}
        s.post({"rid": 1, "platform": "vault", "verb": "set", "target": {}, "actor": {"address": ACTOR},
                "object": fields}, sid=sid)
        parts = [k for k in s.redis("KEYS", "*") if b":p:" in k]
        self.assertEqual(1, len(parts))
        self.assertTrue(parts[0].endswith(b":vault"))
        self.assertEqual(1, s.redis("HLEN", parts[0]))
        blob = s.redis("HVALS", parts[0])[0]
        # The same again is one entry, sealed anew; another address is another entry.
        for actor, entries in ((ACTOR, 1), (ACTOR + "2", 2)):
            s.post({"rid": 1, "platform": "dispatcher", "verb": "set", "target": {"platform": "vault"},
                    "actor": {"address": actor}, "object": fields}, sid=sid)
            self.assertEqual(entries, s.redis("HLEN", parts[0]))
        self.assertNotIn(blob, s.redis("HVALS", parts[0]))
        s.http("DELETE", "%s/%s" % (s.base, sid))
        self.assertEqual([], [k for k in s.redis("KEYS", "*") if b":p:" in k or b":s:" in k])

    def test_messages_of_others_do_not_come(self):
        s = self.stack()
        ann, bob = s.register(), s.register()
        poll = Background(s.poll, bob, wait=2)
        s.post(job(1, "burst", n=10), sid=ann, wait=20)
        self.assertEqual([], poll.result()[1])
        self.assertEqual(10, len(s.poll(ann, wait=0)[1]))


if __name__ == "__main__":
    lib.main()
