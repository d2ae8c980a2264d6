# SPDX-License-Identifier: MIT
"""The npm package sockethub-client as it was published, against a real gateway: under node, and in a headless Chromium
from a page that the gateway serves. What it has to be able to do is told in node/scenarios.js."""

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading

import lib
import replies

HERE = os.path.join(lib.ROOT, "tests/e2e/node")
MODULES = os.path.join(lib.ROOT, "build/node/node_modules")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ALL_S = 240

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://x.example/</link>
<item><title>third</title><link>http://x.example/3</link><pubDate>Fri, 03 Jan 2014 00:00:00 GMT</pubDate></item>
<item><title>second</title><link>http://x.example/2</link><pubDate>Thu, 02 Jan 2014 00:00:00 GMT</pubDate></item>
<item><title>first</title><link>http://x.example/1</link><pubDate>Wed, 01 Jan 2014 00:00:00 GMT</pubDate></item>
</channel></rss>"""


class Feed(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(FEED)))
        self.end_headers()
        self.wfile.write(FEED)

    def log_message(self, *args):
        pass


class Classic(lib.StackTest):
    def setUp(self):
        self.assertTrue(os.path.isdir(MODULES + "/sockethub-client"), "scripts/deps-node has not been run")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feed)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.folder = tempfile.mkdtemp(prefix="sh-web-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.s = replies.make(self, config={
            "platforms": {"feeds": {}}, "outbound": {"allow": ["127.0.0.1"]}, "web_dir": self.web()})
        self.s.start_worker("feeds").wait_event("worker.ready")
        self.env = {"port": self.s.port, "secret": lib.SECRET, "feed": "http://127.0.0.1:%d/rss" % server.server_port}

    def web(self):
        """A copy of web/ that also has the client and the scenarios."""
        web = self.folder + "/web"
        shutil.copytree(lib.ROOT + "/web", web)
        os.mkdir(web + "/examples/classic")
        shutil.copy(HERE + "/classic.html", web + "/examples/classic/index.html")
        for path in (HERE + "/scenarios.js", MODULES + "/sockethub-client/sockethub-client.js"):
            shutil.copy(path, web + "/examples/classic/")
        return web

    def restart(self):
        self.s.gateways[-1].kill()
        self.s.start_gateway(port=self.s.port, wait=False)
        replies.Stack.wait_ready(self.s, self.s.port)

    def run_node(self, program, *args):
        """The lines that the program printed, but for those that ask for a restart."""
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        env.update(HOME=self.folder, NODE_PATH="")
        child = subprocess.Popen(["node", os.path.join(HERE, program), MODULES, json.dumps(self.env), *args],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        timer = threading.Timer(ALL_S, child.kill)
        timer.start()
        found = []
        try:
            for line in child.stdout:
                if line == "restart\n":
                    self.restart()
                    child.stdin.write("done\n")
                    child.stdin.flush()
                else:
                    found.append(line.rstrip("\n"))
            self.assertEqual(child.wait(), 0, found)
        finally:
            timer.cancel()
            child.kill()
            child.wait()
            child.stdin.close()
            child.stdout.close()
        return found

    def check(self, found):
        self.assertEqual([line for line in found if not line.startswith("ok ")], [])
        self.assertGreaterEqual(len(found), 13)
        print("%d scenarios" % len(found))

    def browser(self, path, *names):
        return self.run_node("in_browser.js", "http://127.0.0.1:%d%s" % (self.s.port, path), CHROMIUM,
                             self.folder + "/profile", *names)

    def test_node(self):
        self.check(self.run_node("in_node.js"))

    def test_chromium(self):
        self.check(self.browser("/examples/classic/"))

    def test_example_page(self):
        wait = """js:new Promise((resolve, reject) => {
            const end = Date.now() + 20000;
            const look = () => document.getElementById("log").innerText.includes(%s) ? resolve(true)
                : Date.now() > end ? reject(new Error(document.getElementById("log").innerText)) : setTimeout(look, 20);
            look();
        })"""
        submit = 'js:document.getElementById(%s).value = %s; document.getElementById(%s).requestSubmit(); 1'
        found = self.browser(
            "/examples/echo/",
            submit % ('"secret"', '"wrong"', '"login"'), wait % '"invalid secret"',
            submit % ('"secret"', json.dumps(lib.SECRET), '"login"'), wait % '"connected"',
            submit % ('"text"', '"<b>hello</b>"', '"say"'), wait % '"dummy: <b>hello</b>"',
            'js:document.querySelectorAll("#log b").length')
        self.assertEqual(found, ["value 1", "value true"] * 3 + ["value 0"])

    def test_landing_page(self):
        found = self.browser("/", "js:document.querySelector('h1').innerText",
                             "js:getComputedStyle(document.body).maxWidth !== 'none'")
        self.assertEqual(found, ['value "Sockethub"', "value true"])


if __name__ == "__main__":
    lib.main()
