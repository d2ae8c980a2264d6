# SPDX-License-Identifier: MIT
"""The first use there is for Sockethub, end to end: a page asks for feeds, a web server has them."""

import email.utils
import gzip
import http.server
import os
import re
import threading

import client
import lib
from client import Background

DATA = os.path.join(lib.ROOT, "tests/data/feeds")


def rss(n, name="News"):
    """A feed of n articles, the newest first, an hour apart."""
    items = "".join(
        "<item><title>Article %d</title><link>http://example.org/%d</link><guid>id-%d</guid><description>Text of &lt;b&gt;%d"
        "&lt;/b&gt; \u00e4</description><pubDate>%s</pubDate></item>"
        % (i, i, i, i, email.utils.formatdate(1383264000 + 3600 * i, usegmt=True)) for i in range(n, 0, -1))
    return ('<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title><link>http://example.org/</link>'
            "<description>d</description>%s</channel></rss>" % (name, items)).encode()


ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title><id>a</id>
<updated>2013-11-01T12:00:00Z</updated><entry><title>One</title><id>e1</id><link href="http://example.org/a1"/>
<updated>2013-11-01T12:00:00Z</updated><summary>short</summary></entry></feed>"""


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        site = self.server
        with site.lock:
            site.asked.append((self.path, dict(self.headers.items())))
        path = self.path.partition("?")[0]
        if path == "/rss":
            self.answer(200, rss(15), Content_Type="application/rss+xml")
        elif path == "/big":
            self.answer(200, rss(300), Content_Type="application/rss+xml")
        elif path == "/atom":
            self.answer(200, ATOM, Content_Type="application/atom+xml")
        elif path == "/gzip":
            self.answer(200, gzip.compress(rss(3)), Content_Encoding="gzip", Content_Type="text/xml")
        elif path == "/moved":
            self.answer(301, Location="/moved2")
        elif path == "/moved2":
            self.answer(302, Location="http://127.0.0.1:%d/rss" % site.server_address[1])
        elif path == "/circle":
            self.answer(302, Location="/circle")
        elif path == "/file":
            self.answer(302, Location="file:///etc/passwd")
        elif path == "/tagged" and self.headers.get("If-None-Match") == '"v1"':
            self.answer(304, ETag='"v1"')
        elif path == "/tagged":
            self.answer(200, rss(2), ETag='"v1"', Content_Type="text/xml")
        elif path == "/broken":
            self.answer(200, rss(5)[:-200], Content_Type="text/xml")
        elif path == "/page":
            self.answer(200, b"<!DOCTYPE html><html><body><p>Hello", Content_Type="text/html")
        elif path == "/empty":
            self.answer(200)
        elif path == "/slow":
            site.gate.wait(20)
            self.answer(200, rss(1))
        elif path.startswith("/data/") and os.path.isfile(os.path.join(DATA, os.path.basename(path))):
            with open(os.path.join(DATA, os.path.basename(path)), "rb") as f:
                self.answer(200, f.read(), Content_Type="application/xml")
        else:
            self.answer(404, b"<h1>nothing here</h1>", Content_Type="text/html")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Site)
        self.lock, self.asked, self.gate = threading.Lock(), [], threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that time out hang up

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)

    def count(self, path):
        with self.lock:
            return sum(p == path for p, _ in self.asked)


class Feeds(client.Problems, lib.StackTest):
    maxDiff = None

    def setUp(self):
        self.site = Server()
        self.addCleanup(self.site.server_close)
        self.addCleanup(self.site.shutdown)
        self.addCleanup(self.site.gate.set)

    def feeds(self, allow=True, config=None, **settings):
        # By default every fetch here goes to the server: what is kept is the matter of one test.
        settings = {"min_interval_s": 0, "timeout_ms": 2000, **settings}
        return self.stack(platforms={"feeds": settings},
                          config={"outbound": {"allow": ["127.0.0.0/8"] if allow else []}, **(config or {})},
                          # Freed memory that a sanitizer holds back would hide the size of the rest.
                          env={"ASAN_OPTIONS": "quarantine_size_mb=4"})

    def job(self, *paths, rid=1, **obj):
        return {"rid": rid, "platform": "feeds", "verb": "fetch", "actor": {"address": "ann@example.org"},
                "target": [{"address": p if ":" in p else self.site.url(p)} for p in paths], "object": obj}

    def fetch(self, s, *paths, sid=None, **obj):
        """(result, messages) of one job."""
        sid = sid or s.register()
        posted = s.post(self.job(*paths, **obj), sid=sid, wait=30)
        self.assertEqual("confirm", posted.replies[0]["verb"])
        self.assertTrue(posted.replies[0]["status"], posted.replies)
        cursor, messages = s.poll(sid, wait=0, limit=1000)
        s.poll(sid, cursor, wait=0)
        return posted.replies[1], messages

    def test_main_job(self):
        """The same over ?wait, a long poll and a stream."""
        s = self.feeds()
        sid = s.register()
        result, messages = self.fetch(s, "/rss", sid=sid, limit=3)
        url = self.site.url("/rss")
        self.assertEqual(["actor", "platform", "verb", "rid", "target", "status", "object"], list(result))
        self.assertEqual({url: {"totalArticles": 15,
                                "articleLinks": ["http://example.org/%d" % i for i in range(15, 0, -1)]}},
                         result["object"])
        self.assertEqual(["Article 1", "Article 2", "Article 3"], [m["object"]["title"] for m in messages])
        first = messages[0]
        self.assertEqual(["actor", "target", "status", "verb", "object", "platform"], list(first))
        self.assertEqual((True, "post", "feeds", [{"address": "ann@example.org"}]),
                         (first["status"], first["verb"], first["platform"], first["target"]))
        self.assertEqual(("feedChannel", "News", url),
                         tuple(first["actor"][k] for k in ("objectType", "name", "address")))
        self.assertEqual(("feedEntry", "http://example.org/1", 1383267600000, "2013-11-01T01:00:00.000Z"),
                         tuple(first["object"][k] for k in ("objectType", "link", "datenum", "date")))
        self.assertEqual("Text of <b>1</b> \u00e4", first["object"]["html"])
        with s.sse(sid) as stream:
            s.post(self.job("/rss", rid=2, limit=3), sid=sid)
            events = [stream.next_event() for _ in range(4)]
        self.assertEqual(messages, [e.data for e in events[:3]])
        self.assertEqual({**result, "rid": 2}, events[3].data)
        polled = s.collect(sid, lambda m: len(m) >= 4)[1]
        self.assertEqual([e.data for e in events], polled)

    def test_selection(self):
        s = self.feeds()
        sid = s.register()
        for obj, expected in (({}, range(1, 11)), ({"limit": 1}, [1]), ({"limit": 2, "from": "before"}, [15, 14]),
                              ({"limit": 100}, range(1, 16)), ({"date": 1383264000000 + 3600000 * 13}, [14, 15]),
                              ({"link": "http://example.org/14"}, [15])):
            with self.subTest(obj):
                messages = self.fetch(s, "/rss", sid=sid, **obj)[1]
                self.assertEqual(["http://example.org/%d" % i for i in expected], [m["object"]["link"] for m in messages])
        posted = s.post(self.job("/rss", limit="x"), sid=sid)
        self.assertEqual(1, len(posted.replies))
        self.assertIn("at /object/limit", posted.replies[0]["message"])

    def test_several_targets(self):
        s = self.feeds()
        result, messages = self.fetch(s, "/rss", "/atom", "/nothing", "/gzip", limit=2)
        totals = {u.rpartition("/")[2]: r if isinstance(r, str) else r["totalArticles"] for u, r in result["object"].items()}
        failed = totals.pop("nothing")
        self.assertEqual(({"rss": 15, "atom": 1, "gzip": 3}, True), (totals, result["status"]))
        self.assertIsInstance(failed, str)
        self.assertEqual(5, len(messages))
        self.assertEqual({"rss", "atom", "gzip"}, {m["actor"]["address"].rpartition("/")[2] for m in messages})

    def test_the_ways_of_the_web(self):
        s = self.feeds()
        sid = s.register()
        for path, total in (("/gzip", 3), ("/moved", 15), ("/atom", 1)):
            result = self.fetch(s, path, sid=sid)[0]
            self.assertEqual((True, total), (result["status"], result["object"][self.site.url(path)]["totalArticles"]))
        refused = self.job("/rss")["target"][0]["address"].replace(str(self.site.server_address[1]), str(lib.free_port()))
        for path in ("/nothing", "/page", "/empty", "/circle", "/file", refused, "ftp://127.0.0.1/x", "x:y", "http://",
                     "file:///etc/passwd", "http://no-such-host.invalid/"):
            with self.subTest(path):
                result, messages = self.fetch(s, path, sid=sid)
                self.assertFalse(result["status"])
                self.assertIsInstance(result["message"], str)
                self.assertTrue(result["message"].startswith("failed to fetch feed from url: "), result)
                self.assertEqual(({}, []), (result["object"], messages))
        for target, message in (([], "invalid target array"), ([{}], "no address found in first target object")):
            result = s.post({**self.job(), "target": target}, sid=sid, wait=20).replies[1]
            self.assertEqual((False, message), (result["status"], result["message"]))

    def test_broken_documents(self):
        """A document that is cut short gives what it has or a failure; the worker lives."""
        s = self.feeds()
        sid = s.register()
        result, messages = self.fetch(s, "/broken", sid=sid)
        self.assertEqual(result["status"], bool(messages))
        for name in sorted(os.listdir(DATA)) if os.path.isdir(DATA) else []:
            with self.subTest(name):
                self.assertIn(self.fetch(s, "/data/" + name, sid=sid)[0]["status"], (True, False))

    def test_asks_no_more_than_needed(self):
        s = self.feeds(min_interval_s=600)
        for _ in range(3):
            self.assertEqual(2, len(self.fetch(s, "/tagged")[1]))
        self.assertEqual(1, self.site.count("/tagged"))

    def test_unchanged(self):
        s = self.feeds()
        for _ in range(3):
            result, messages = self.fetch(s, "/tagged")
            self.assertEqual((True, 2), (result["status"], len(messages)))
        with self.site.lock:
            tags = [headers.get("If-None-Match") for path, headers in self.site.asked if path == "/tagged"]
        self.assertEqual([None, '"v1"', '"v1"'], tags)

    def test_slow_server_holds_nobody_up(self):
        s = self.feeds(timeout_ms=1500)
        sid = s.register()
        slow = Background(self.fetch, s, "/slow")
        lib.until("the server is asked", lambda: self.site.count("/slow"))
        self.assertTrue(self.fetch(s, "/rss", sid=sid)[0]["status"])
        self.assertTrue(slow.running())
        result = slow.result()[0]
        self.assertFalse(result["status"])
        self.assertLess(slow.seconds, 10)

    def test_own_network_is_refused(self):
        s = self.feeds(allow=False)
        sid = s.register()
        port = self.site.server_address[1]
        for url in (self.site.url("/rss"), "http://localhost:%d/rss" % port, "http://[::1]:%d/rss" % port,
                    "http://0.0.0.0:%d/rss" % port, "http://[::ffff:127.0.0.1]:%d/rss" % port, "http://2130706433:%d/" % port,
                    "http://127.1:%d/rss" % port, "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/"):
            with self.subTest(url):
                result = self.fetch(s, url, sid=sid)[0]
                self.assertFalse(result["status"])
        self.assertEqual([], self.site.asked)

    def test_outbox_too_small(self):
        s = self.feeds(config={"limits": {"outbox": 50}})
        sid = s.register()
        result, messages = self.fetch(s, "/big", sid=sid, limit=300)
        # What was lost is told of: by the result, or by messages in place of those lost.
        told = [result.get("message", "")] + [m["object"]["text"] for m in messages if m["verb"] == "error"]
        self.assertTrue([text for text in told if text.startswith("the outbox is full")], told)
        self.assertLessEqual(len(messages), 66)
        self.assertTrue(self.fetch(s, "/rss", sid=sid)[0]["status"])

    def test_memory(self):
        """500 fetches of a feed with 300 articles: after a start the worker does not grow with their number."""
        s = self.feeds(cache_bytes=0)
        worker = s.workers["feeds"][0]

        def resident_kb():
            with open("/proc/%d/status" % worker.pid) as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        sid = s.register()

        def fetch(n):
            for _ in range(n // 10):
                posted = s.post([self.job("/big?%d" % i, rid=i, limit=1) for i in range(10)], sid=sid, wait=60)
                self.assertEqual([True] * 20, [r["status"] for r in posted.replies])
                s.poll(sid, s.poll(sid, wait=0)[0], wait=0)
        fetch(200)
        before = resident_kb()
        fetch(500)
        # A leak of each document alone would be 500 x 80 KB.
        self.assertLess(resident_kb() - before, 12000)


if __name__ == "__main__":
    lib.main()
