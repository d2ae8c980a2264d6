# SPDX-License-Identifier: MIT
"""The files of httpd-conf/ with real lighttpd, nginx and Apache in front of a real gateway's FastCGI: everything the
gateway offers by HTTP has to come out the same, waiting and streaming included."""

import json
import os
import resource
import select
import socket
import ssl
import subprocess
import time

import lib
import wsclient

SERVERS = os.path.join(lib.ROOT, "tests/servers")
BODY_BYTES = 1048576
PARKED = 1000


def job(rid, verb, **obj):
    return {"rid": rid, "platform": "dummy", "verb": verb, "actor": {"address": "tester"}, "target": [], "object": obj}


REGISTER = {"rid": "r", "platform": "dispatcher", "verb": "register", "object": {"secret": lib.SECRET}}


def start_server(test, name, folder, *args):
    """The port of a web server that ends with the test. Apache, started by root, becomes www-data: it has to reach its
    folder and the socket."""
    port = lib.free_port()
    if os.geteuid() == 0:
        os.chmod(os.path.dirname(folder), 0o711)
    test.addCleanup(subprocess.run, ["bash", SERVERS + "/stop.sh", folder], check=True)
    done = subprocess.run(["bash", "%s/%s/start.sh" % (SERVERS, name), folder, str(port), *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError("%s: %s" % (name, done.stdout))
    return port


def connections(path):
    """How many connections to a listening unix socket exist, by the kernel's list."""
    with open("/proc/net/unix") as f:
        return sum(1 for line in f if line.rstrip().endswith(" " + path) and line.split()[5] == "03")


def results(messages):
    return [m["rid"] for m in messages if m.get("verb") != "confirm" and "rid" in m]


class Httpd:
    """The tests that each server has to pass; `name` is its folder in tests/servers."""

    name = None

    def setUp(self):
        self.s = self.stack(platforms=["dummy"], fastcgi=True)
        self.web = start_server(self, self.name, os.path.join(self.s.dir, self.name), self.s.fastcgi_path,
                                "127.0.0.1:%d" % self.s.port)

    def both(self, method, path, body=None, headers=None):
        """The answer, which is the same over plain HTTP and through the web server."""
        plain = self.s.http(method, path, body, headers)
        web = self.s.http(method, path, body, headers, port=self.web)
        self.assertEqual((web.status, web.headers.get("content-type"), web.headers.get("allow"), web.body),
                         (plain.status, plain.headers.get("content-type"), plain.headers.get("allow"), plain.body))
        return web

    def echo(self, sid, rid):
        posted = self.s.post(job(rid, "echo", n=rid), sid=sid, port=self.web)
        self.assertEqual(posted.status, 200)

    def test_post(self):
        posted = self.s.post([REGISTER, job(1, "echo", text="h\u00e9")], wait=10, port=self.web)
        self.assertEqual(posted.status, 200)
        self.assertEqual(posted.headers["location"], "/sockethub/" + posted.sid)
        self.assertIs(posted.replies[0]["status"], True)
        self.assertEqual(posted.replies[-1]["rid"], 1)
        self.assertEqual(posted.replies[-1]["object"], {"text": "h\u00e9"})

    def test_large_body(self):
        sid = self.s.register(port=self.web)
        text = "x" * 900000
        posted = self.s.post(job(1, "echo", text=text), sid=sid, wait=20, port=self.web)
        self.assertEqual(posted.replies[-1]["object"], {"text": text})

    def test_problems_are_the_same(self):
        json_type = {"Content-Type": "application/json"}
        self.assertEqual(self.both("GET", "/sockethub/AAAAAAAAAAAAAAAAAAAAAA").status, 404)
        self.assertEqual(self.both("PUT", "/sockethub", b"[]", json_type).status, 405)
        self.assertEqual(self.both("POST", "/sockethub", b"{", json_type).body, b'[{"status":false,"message":"invalid JSON received"}]')
        self.assertEqual(self.both("POST", "/sockethub", b"[]", {"Content-Type": "text/x"}).status, 415)
        large = self.both("POST", "/sockethub", b" " * (BODY_BYTES + 1), json_type)
        self.assertEqual(large.status, 413)
        self.assertEqual(large.headers["content-type"], "application/problem+json")

    def test_head_and_unknown(self):
        self.both("HEAD", "/sockethub/schema")
        self.both("GET", "/sockethub/schema/dummy")
        self.assertEqual(self.s.http("GET", "/sockethubs", port=self.web).status, 404)

    def test_long_poll(self):
        sid = self.s.register(port=self.web)
        cursor, _ = self.s.poll(sid, port=self.web)
        before = connections(self.s.fastcgi_path)
        with socket.create_connection(("127.0.0.1", self.web), timeout=20) as waiting:
            waiting.sendall(b"GET /sockethub/%s?wait=30&after=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                            % (sid.encode(), cursor.encode()))
            lib.until("the poll is parked", lambda: connections(self.s.fastcgi_path) > before)
            self.assertEqual(select.select([waiting], [], [], 0.3)[0], [])
            self.echo(sid, 7)
            answer = waiting.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"))
        self.assertIn(b'"rid":7', answer)

    def stream(self, ndjson):
        sid = self.s.register(port=self.web)
        with self.s.sse(sid, ndjson=ndjson, port=self.web) as stream:
            self.assertEqual(stream.status, 200)
            for rid in (1, 2, 3):  # each is read before the next one is asked for
                self.echo(sid, rid)
                self.assertEqual(stream.next_event(10).data["rid"], rid)
            self.s.post(job(4, "burst", n=3), sid=sid, port=self.web)
            burst = [stream.next_event(10).data for _ in range(4)]
            self.assertEqual([m["object"] for m in burst], [{"i": 0}, {"i": 1}, {"i": 2}, {"n": 3}])

    def test_stream(self):
        self.stream(ndjson=False)

    def test_ndjson(self):
        self.stream(ndjson=True)

    def test_chunks_come_one_by_one(self):
        sid = self.s.register(port=self.web)
        with self.s.sse(sid, port=self.web) as stream:
            began = time.monotonic()
            self.s.post([job(1, "delay", ms=0), job(2, "delay", ms=1500)], sid=sid, port=self.web)
            self.assertEqual(stream.next_event(10).data["rid"], 1)
            self.assertLess(time.monotonic() - began, 1.4, "the first event waited for the second")
            self.assertEqual(stream.next_event(10).data["rid"], 2)

    def test_delete(self):
        sid = self.s.register(port=self.web)
        self.assertEqual(self.s.http("DELETE", "/sockethub/" + sid, port=self.web).status, 204)
        self.assertEqual(self.both("GET", "/sockethub/" + sid).status, 404)

    def test_bearer(self):
        sid = self.s.register(port=self.web)
        self.echo(sid, 5)
        reply = self.s.http("GET", "/sockethub?wait=10", headers={"Authorization": "Bearer " + sid}, port=self.web)
        self.assertEqual(reply.status, 200)
        self.assertIn(5, results(json.loads(reply.body)["messages"]))

    def test_client_leaves(self):
        sid = self.s.register(port=self.web)
        with self.s.sse(sid, port=self.web) as stream:
            self.echo(sid, 1)
            cursor = stream.next_event(10).id
        self.echo(sid, 2)
        _, messages = self.s.collect(sid, lambda found: 2 in results(found), after=cursor, port=self.web)
        self.assertEqual(results(messages), [2])

    def test_websocket(self):
        socket_works(self, self.s, wsclient.connect(self.web, headers=origin("http", self.web)))
        with self.assertRaises(wsclient.Refused) as caught:
            wsclient.connect(self.web, headers=origin("http", 1))
        self.assertEqual(caught.exception.status, 403)


class Tls:
    """The same files with their TLS lines uncommented, and a client that speaks wss:// and trusts one authority."""

    name = None

    def setUp(self):
        self.s = self.stack(platforms=["dummy"], fastcgi=True)
        folder = os.path.join(self.s.dir, self.name)
        self.web = start_server(self, self.name, folder, self.s.fastcgi_path, "127.0.0.1:%d" % self.s.port, "tls")
        self.tls = ssl.create_default_context(cafile=folder + "/ca.pem")

    def connect(self, path="/sockethub", **how):
        return wsclient.connect(self.web, path, tls=self.tls, headers=origin("https", self.web), **how)

    def test_wss(self):
        socket_works(self, self.s, self.connect())

    def test_wss_resumes_a_session(self):
        sid = self.s.register()
        self.s.post(job(1, "echo", n=1), sid=sid)
        with self.connect("/sockethub/" + sid) as ws:
            self.assertEqual(ws.recv()["object"], {"n": 1})

    def test_wss_refusals_come_through(self):
        for path, protocol, status in (("/sockethub/" + "A" * 22, "sockethub", 404), ("/sockethub", "chat", 400)):
            with self.assertRaises(wsclient.Refused) as caught:
                wsclient.connect(self.web, path, {"Sec-WebSocket-Protocol": protocol}, tls=self.tls)
            self.assertEqual(caught.exception.status, status)
            self.assertEqual(caught.exception.headers["content-type"], "application/problem+json")


def origin(scheme, port):
    return {"Origin": "%s://127.0.0.1:%d" % (scheme, port)}


def socket_works(test, s, ws):
    """Everything a WebSocket carries, through whatever is in between; ends with both closing handshakes."""
    with ws:
        ws.send(REGISTER)
        test.assertEqual(ws.recv()["verb"], "confirm")
        sid = ws.recv()["object"]["sessionId"]
        ws.send(job(1, "burst", n=200))
        found = ws.recv_until(lambda m: m["verb"] == "burst" and "rid" in m)
        test.assertEqual([m["object"]["i"] for m in found if "rid" not in m], list(range(200)))
        for size in (1, 126, 65536):
            data = os.urandom(size)
            ws.frame(wsclient.BINARY, data)
            test.assertEqual(ws.next_frame(), (wsclient.BINARY, data, True))
        text = "h\u00e9" * 8000
        ws.send(job(2, "echo", text=text))
        found = ws.recv_until(lambda m: m["verb"] == "echo")
        test.assertEqual(found[-1]["object"], {"text": text})
        ws.frame(wsclient.PING, b"there?")
        test.assertEqual(ws.next_frame(), (wsclient.PONG, b"there?", True))
        with test.assertRaises(TimeoutError):
            ws.next_frame(0.5)
        s.post(job(3, "echo", n=3), sid=sid)  # a quiet socket hears at once
        began = time.monotonic()
        test.assertEqual(ws.recv(20)["object"], {"n": 3})
        test.assertLess(time.monotonic() - began, 5)
        test.assertEqual(s.http("DELETE", "/sockethub/" + sid).status, 204)
        test.assertEqual(ws.closing(), (1000, "the session has ended"))


class Lighttpd(Httpd, lib.StackTest):
    name = "lighttpd"

    def park(self, sids):
        found = []
        for sid in sids:
            s = socket.create_connection(("127.0.0.1", self.web), timeout=20)
            self.addCleanup(s.close)
            s.sendall(b"GET /sockethub/%s?wait=60 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % sid.encode())
            found.append(s)
        lib.until("%d polls are parked" % len(sids), lambda: connections(self.s.fastcgi_path) >= len(sids), 30)
        return found

    def test_1000_parked(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        sids = [self.s.register() for _ in range(PARKED)]
        threads = self.threads()
        waiting = self.park(sids)
        self.assertEqual(self.threads(), threads, "a parked poll holds no thread")
        began = time.monotonic()
        for n, sid in enumerate(sids):
            self.assertEqual(self.s.post(job(n, "echo"), sid=sid).status, 200)
        for n, s in enumerate(waiting):
            answer = s.makefile("rb").read()
            self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer[:100])
            self.assertIn(b'"rid":%d,' % n, answer.replace(b" ", b"").replace(b"}", b",}"))
        print("%d polls parked behind lighttpd answered in %.2f s" % (PARKED, time.monotonic() - began))

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.s.gateways[0].pid))


class Nginx(Httpd, lib.StackTest):
    name = "nginx"


class Apache(Httpd, lib.StackTest):
    name = "apache2"

    def test_slow_uploads_hold_nobody_up(self):
        """Apache passes a body on as it comes: half a request at the gateway, which costs the others nothing."""
        slow = [socket.create_connection(("127.0.0.1", self.web), timeout=20) for _ in range(20)]
        for s in slow:
            self.addCleanup(s.close)
            s.sendall(b"POST /sockethub HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 900000\r\n\r\n" + b" " * 60000)
        lib.until("the uploads have begun", lambda: connections(self.s.fastcgi_path) >= len(slow))
        began = time.monotonic()
        self.s.register(port=self.web)
        self.assertLess(time.monotonic() - began, 5)


class LighttpdTls(Tls, lib.StackTest):
    name = "lighttpd"


class NginxTls(Tls, lib.StackTest):
    name = "nginx"


class ApacheTls(Tls, lib.StackTest):
    name = "apache2"


class LighttpdSpawn(lib.StackTest):
    """httpd-conf/lighttpd-spawn.conf: lighttpd starts the gateway, and starts it again."""

    def setUp(self):
        self.s = self.stack(platforms=["dummy"], config={"listen": None}, start=False)
        self.s.start_redis()
        self.s.start_worker("dummy")
        self.folder = os.path.join(self.s.dir, "web")
        self.web = start_server(self, "lighttpd-spawn", self.folder, os.path.join(lib.BUILD, "sockethub-gateway"),
                                self.s.conf_path)

    def gateway(self):
        with open(self.folder + "/pid") as f:
            found = [pid for pid, words in lib.children(int(f.read())) if "sockethub-gateway" in words[0]]
        return found[0] if found else None

    def register(self):
        def attempt():
            posted = self.s.http("POST", "/sockethub", json.dumps(REGISTER).encode(),
                                 {"Content-Type": "application/json"}, port=self.web)
            return posted.headers.get("sockethub-session") if posted.status == 200 else None
        return lib.until("the gateway answers", attempt, lib.START_S)

    def test_start_and_restart(self):
        sid = self.register()
        posted = self.s.post(job(1, "echo", n=1), sid=sid, wait=10, port=self.web)
        self.assertEqual(posted.replies[-1]["object"], {"n": 1})
        first = self.gateway()
        os.kill(first, 9)
        lib.until("the first gateway is gone", lambda: not lib.alive(first))
        self.register()  # lighttpd notices, and starts another
        self.assertNotIn(self.gateway(), (None, first))
        posted = self.s.post(job(2, "echo", n=2), sid=sid, wait=10, port=self.web)
        self.assertEqual(posted.replies[-1]["object"], {"n": 2})


if __name__ == "__main__":
    lib.main()
