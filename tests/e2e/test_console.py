# SPDX-License-Identifier: MIT
"""The pages of web/ as the gateway serves them: what is there, and that nothing else is."""

import os
import socket

import lib


class Console(lib.StackTest):
    def stack_with(self, **config):
        s = lib.Stack(platforms=["dummy"], config=config, start=False)
        self._stacks.append(s)
        self.addCleanup(s.close)
        return s

    def start(self, s):
        s.start_redis()
        s.start_worker("dummy")
        s.start_gateway()

    def raw(self, s, path):
        """The status line for a path that no library has tidied up."""
        with socket.create_connection(("127.0.0.1", s.port), timeout=20) as c:
            c.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
            return int(c.makefile("rb").readline().split()[1])

    def test_what_is_there(self):
        s = self.stack(platforms=["dummy"])
        page = s.http("GET", "/")
        self.assertEqual((page.status, page.headers["content-type"]), (200, "text/html; charset=utf-8"))
        with open(os.path.join(lib.ROOT, "web/index.html"), "rb") as f:
            self.assertEqual(page.body, f.read())
        self.assertIn("default-src 'self'", page.headers["content-security-policy"])
        self.assertEqual(page.headers["x-content-type-options"], "nosniff")
        self.assertEqual(s.http("GET", "/examples/").status, 200)
        self.assertEqual(s.http("GET", "/examples/echo/echo.js").headers["content-type"],
                         "text/javascript; charset=utf-8")
        moved = s.http("GET", "/examples")
        self.assertEqual((moved.status, moved.headers["location"]), (301, "/examples/"))
        head = s.http("HEAD", "/")
        self.assertEqual((head.status, head.body, head.headers["content-length"]), (200, b"", str(len(page.body))))
        refused = s.http("POST", "/", b"{}", {"Content-Type": "application/json"})
        self.assertEqual((refused.status, refused.headers["allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_nothing_else(self):
        s = self.stack_with()
        web = os.path.join(s.dir, "web")
        os.makedirs(web + "/sub/.hidden")
        for name in ("index.html", "sub/page.html", ".secret.html", "sub/.hidden/page.html", "program.py", "README"):
            with open(os.path.join(web, name), "w") as f:
                f.write(name)
        os.symlink(s.conf_path, web + "/link.json")
        s.reconfigure({"web_dir": "web"})
        self.start(s)
        self.assertEqual(s.http("GET", "/sub/page.html").body, b"sub/page.html")
        for path in ("/.secret.html", "/sub/.hidden/page.html", "/program.py", "/README", "/link.json", "/sub", "/sub/",
                     "/../sockethub.json", "/sub/../../sockethub.json", "/%2e%2e/sockethub.json", "//index.html",
                     "/index.html/", "/sub//page.html", "/" + "a" * 1000, "/index.html%00"):
            self.assertEqual(self.raw(s, path), 404, path)
        with open(web + "/index.html", "w") as f:
            f.write("changed")
        self.assertEqual(s.http("GET", "/").body, b"index.html")

    def test_switched_off(self):
        s = self.stack(platforms=["dummy"], config={"http": {"console": False}})
        for path in ("/", "/examples/"):
            self.assertEqual(s.http("GET", path).status, 404)

    def test_without_its_files(self):
        s = self.stack(platforms=["dummy"], config={"web_dir": "nowhere"})
        self.assertEqual(s.http("GET", "/").status, 404)
        self.assertEqual(len(s.gateways[0].events("gateway.no-console")), 1)


if __name__ == "__main__":
    lib.main()
