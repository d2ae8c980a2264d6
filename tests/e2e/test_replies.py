# SPDX-License-Identifier: MIT
"""Every reply of the classic dialect, byte for byte, over HTTP, FastCGI and WebSocket."""

import json

import fcgi
import lib
import replies
import wsclient

WAIT_S = 20


class Replies(lib.StackTest):
    maxDiff = None

    def send_http(self, method, path, body):
        return self.s.http(method, path, body, {"Content-Type": "application/json"})

    def send_fcgi(self, method, path, body):
        return fcgi.request(self.s.fastcgi_path, method, path, body, {"Content-Type": "application/json"})

    def check(self, send, row):
        sid, path = "", self.s.base
        if row.registered:
            sid = self.s.register()
            path += "/" + sid
        reply = send("POST", path + ("?wait=%d" % WAIT_S if row.results else ""), row.request)
        self.assertEqual(200, reply.status)
        self.assertEqual("application/json", reply.headers["content-type"])
        sid = sid or reply.headers["sockethub-session"]
        expected = "[%s]" % ",".join(row.replies + row.results)
        self.assertEqual(expected.replace('"SID"', json.dumps(sid)), reply.body.decode())
        self.assertEqual(row.registered, "sockethub-session" not in reply.headers)
        self.assertEqual(row.registered, "location" not in reply.headers)

    def check_all(self, send, rows):
        for row in rows:
            with self.subTest(row.name):
                self.check(send, row)

    def test_http(self):
        self.s = replies.make(self)
        self.check_all(self.send_http, replies.ROWS)

    def test_fastcgi(self):
        self.s = replies.make(self, fastcgi=True)
        self.check_all(self.send_fcgi, replies.ROWS)

    def check_ws(self, row):
        """Each reply is a frame; behind the last one comes the answer to the next question, and nothing else."""
        with wsclient.connect(self.s.port) as ws:
            sid = None
            if row.registered:
                ws.send(replies.REGISTER % json.dumps(lib.SECRET))
                self.assertEqual(replies.confirm(), ws.recv_text())
                sid = ws.recv()["object"]["sessionId"]
            ws.send(row.request)
            try:
                row.request.decode()
            except UnicodeDecodeError:
                self.assertEqual(1007, ws.closing()[0])  # RFC 6455 section 8.1
                return
            for expected in row.replies + row.results:
                found = ws.recv_text(WAIT_S)
                if "SID" in expected and sid is None:
                    sid = json.loads(found)["object"]["sessionId"]
                self.assertEqual(expected.replace('"SID"', json.dumps(sid)), found)
            ws.send("helloWorld")
            self.assertEqual(replies.INVALID, ws.recv_text(WAIT_S))

    def test_websocket(self):
        self.s = replies.make(self)
        for row in replies.ROWS:
            with self.subTest(row.name):
                self.check_ws(row)

    def test_no_secrets(self):
        self.s = replies.make(self, config={"secrets": None})
        self.check_all(self.send_http, replies.NO_SECRETS)
        for row in replies.NO_SECRETS:
            self.check_ws(row)

    def test_names_are_unique(self):
        names = [row.name for row in replies.ROWS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    lib.main()
