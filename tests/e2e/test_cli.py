# SPDX-License-Identifier: MIT
"""What a person at a terminal meets: the options of each program, sockethubctl, installing, the scripts."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import lib

PROGRAMS = [p for p in ("sockethub-gateway", "sockethub-worker", "sockethubd", "sockethubctl")
            if os.path.exists(os.path.join(lib.BUILD, p))]


class Options(lib.StackTest):
    def test_every_program_explains_itself(self):
        s = self.stack(start=False, redis=False)
        for program in PROGRAMS:
            with self.subTest(program):
                done = s.run(program, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("Usage: " + program, done.stdout)
                done = s.run(program, "--version")
                self.assertRegex(done.stdout, r"^%s \d+\.\d+\.\d+\n$" % program)
                done = s.run(program, "--no-such-option")
                self.assertEqual(done.returncode, 2)
                self.assertIn("--no-such-option", done.stderr)

    def test_the_configuration_s_help_names_every_key(self):
        s = self.stack(start=False, redis=False)
        done = s.run("sockethubd", "--help-config")
        with open(os.path.join(lib.ROOT, "core/conf.def"), encoding="utf-8") as f:
            keys = re.findall(r'^CONF_\w+\("([\w.]+)"', f.read(), re.M)
        self.assertGreater(len(keys), 20)
        for key in keys:
            self.assertRegex(done.stdout, r"(?m)^%s = " % re.escape(key))

    def test_the_configuration_s_schema_is_printed(self):
        s = self.stack(start=False, redis=False)
        with open(os.path.join(lib.ROOT, "schema/config.json"), encoding="utf-8") as f:
            self.assertEqual(json.loads(s.run("sockethubctl", "config-schema").stdout), json.load(f))

    def test_a_platform_s_settings_are_listed(self):
        s = self.stack(start=False, redis=False, platforms={"xmpp": {"accounts": 7}})
        folder = lib.ROOT + "/schema/platforms/"
        for name in (n[:-5] for n in os.listdir(folder)):
            with open(folder + name + ".json", encoding="utf-8") as f:
                rows = json.load(f).get("settings", {}).get("properties", {})
            done = s.run("sockethubctl", "settings", name)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertEqual(re.findall(r"(?m)^platforms\.%s\.(\w+)" % name, done.stdout), list(rows))
        self.assertIn("platforms.xmpp.accounts = 7   (1 to 900)\n    ", s.run("sockethubctl", "settings", "xmpp").stdout)
        self.assertIn("platforms.email.accounts = 500 ", s.run("sockethubctl", "settings", "email").stdout)
        for words, why in ((("none",), "there is no platform none"), ((), "which platform"),
                           (("xmpp", "--set", "platforms.xmpp.accounts=x"), "accounts")):
            done = s.run("sockethubctl", "settings", *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(why, done.stderr)

    def test_the_manual_names_every_option_and_program(self):
        for program in PROGRAMS:
            pages = [p for p in os.listdir(lib.ROOT + "/man") if p.rpartition(".")[0] == program]
            self.assertEqual(len(pages), 1, program)
            with open(os.path.join(lib.ROOT, "man", pages[0]), encoding="utf-8") as f:
                page = f.read().replace("\\-", "-")
            options = subprocess.run([os.path.join(lib.BUILD, program), "--help"], capture_output=True,
                                     text=True, check=True).stdout
            for option in re.findall(r"^  (--[\w-]+)", options, re.M):
                if program != "sockethubctl":
                    self.assertIn(option, page, program)
            for command in re.findall(r"^  ([a-z][\w-]+) ", options, re.M):
                self.assertIn(command, page)

    def test_the_systemd_unit_keeps_its_promises(self):
        with open(os.path.join(lib.ROOT, "scripts/sockethub.service.in"), encoding="utf-8") as f:
            unit = f.read()
        self.assertIn("KillMode=mixed", unit)  # the private Redis and the drain are sockethubd's business
        self.assertNotIn("Requires=", unit)


class Status(lib.StackTest):
    """What the key names mean is told by core/keys.h; here they are made by hand."""

    def status(self, s, *extra):
        return s.run("sockethubctl", "status", "--config", s.conf_path, *extra)

    def test_an_empty_redis(self):
        s = self.stack(start=False, platforms=["dummy", "feeds"])
        s.start_redis()
        done = self.status(s)
        self.assertEqual(done.returncode, 1, "no worker lives")
        self.assertEqual(done.stdout.count("no worker"), 2)
        self.assertIn(s.redis.path, done.stdout)

    def test_numbers(self):
        s = self.stack(start=False, platforms=["dummy"], config={"shards": 2})
        s.start_redis()
        r = s.redis
        for shard in (0, 1):
            queue = "sh:{%d}:q:dummy" % shard
            r("XGROUP", "CREATE", queue, "w", "0", "MKSTREAM")
            r("SET", "sh:{%d}:w:dummy:dummy-0-alive" % shard, "1", "EX", "100")
        r("XADD", "sh:{1}:q:dummy", "1000-0", "j", "x")
        for _ in range(4):
            r("XADD", "sh:{1}:q:dummy", "*", "j", "x")
        r("XREADGROUP", "GROUP", "w", "dummy-0-alive", "COUNT", "2", "STREAMS", "sh:{1}:q:dummy", ">")
        r("XREADGROUP", "GROUP", "w", "dummy-0-dead", "COUNT", "1", "STREAMS", "sh:{1}:q:dummy", ">")
        r("XGROUP", "CREATECONSUMER", "sh:{0}:q:dummy", "w", "dummy-0-alive")
        for worker, mark, held in (("many", "1200", 3), ("few", "10", 2), ("ended", "left", 4)):
            r("XGROUP", "CREATECONSUMER", "sh:{1}:q:dummy", "w", worker)
            r("SET", "sh:{1}:w:dummy:" + worker, mark, "EX", "100")
            r("SADD", "sh:{1}:held:dummy:" + worker, *range(held))
        r("XADD", "sh:{1}:buried:dummy", "*", "j", "x")
        r("ZADD", "sh:{0}:sessions", 1, "a", 2, "b")
        r("ZADD", "sh:{1}:sessions", 1, "c")
        done = self.status(s, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual(report["sessions"], 3)
        empty, busy = report["platforms"]
        self.assertEqual(empty, {"platform": "dummy", "shard": 0, "workers": 1, "accounts": 0,
                                 "held": {"dummy-0-alive": 0}, "waiting": 0, "running": 0, "oldest_ms": None,
                                 "buried": 0})
        self.assertEqual((busy["shard"], busy["workers"], busy["waiting"], busy["running"], busy["buried"]),
                         (1, 3, 2, 3, 1))
        self.assertEqual((busy["accounts"], busy["held"]), (5, {"dummy-0-alive": 0, "few": 2, "many": 3}))
        self.assertGreater(busy["oldest_ms"], 1.7e12)
        table = self.status(s).stdout.splitlines()
        self.assertRegex(table[1], r"^PLATFORM +SHARD +WORKERS +ACCOUNTS +WAITING +RUNNING +OLDEST +BURIED$")
        self.assertRegex(table[3], r"^dummy +1 +3 +5 +2 +3 +\d+ d +1$")
        self.assertEqual(len({len(line) for line in table[1:]}), 1, "aligned")

    def test_workers_that_never_had_a_job(self):
        s = self.stack(platforms=["dummy", "feeds"], workers=2)
        report = lib.until("all workers", lambda: (lambda r: r if all(
            p["workers"] == 2 for p in r["platforms"]) else None)(json.loads(self.status(s, "--json").stdout)))
        self.assertEqual([sorted(p["held"].values()) for p in report["platforms"]], [[0, 0], [0, 0]])
        self.assertEqual(self.status(s).returncode, 0)

    def test_redis_is_away(self):
        s = self.stack(start=False)
        done = self.status(s)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("sockethubctl: ", done.stderr)

    def test_without_redis_the_private_one_is_asked(self):
        s = self.stack(start=False, redis=False)
        done = self.status(s)
        self.assertEqual(done.returncode, 1)
        self.assertIn(s.dir + "/redis.sock", done.stderr)

    def test_a_password(self):
        s = self.stack(start=False)
        s.redis.extra = ["--requirepass", "p w"]
        with self.assertRaises(AssertionError):
            lib.START_S, saved = 0.3, lib.START_S
            try:
                s.start_redis()  # runs, but refuses our PING
            finally:
                lib.START_S = saved
        s.redis.hang_up()
        self.assertIn("NOAUTH", self.status(s).stderr)
        done = self.status(s, "--set", "redis=unix://:p%%20w@%s" % s.redis.path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertNotIn("p w", done.stdout)

    def test_usage(self):
        s = self.stack(start=False, redis=False)
        for words in ((), ("nonsense",), ("status", "--nonsense"), ("status", "word")):
            self.assertEqual(s.run("sockethubctl", *words).returncode, 2, words)


class Install(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sh-install-")
        self.addCleanup(shutil.rmtree, self.dir)

    def script(self, *words):
        subprocess.run([lib.ROOT + "/scripts/install", *words], check=True, stdin=subprocess.DEVNULL)

    def files(self):
        return {os.path.relpath(os.path.join(d, f), self.dir) for d, _, names in os.walk(self.dir) for f in names}

    @unittest.skipUnless(len(PROGRAMS) == 4, "not all programs are built")
    def test_install_and_remove(self):
        self.script(os.path.relpath(lib.BUILD, lib.ROOT), self.dir, "/opt/sh")
        files = self.files()
        for expected in ("bin/sockethubd", "bin/sockethub-gateway", "share/man/man8/sockethubd.8",
                         "share/doc/sockethub/operations.md", "share/doc/sockethub/README.md",
                         "lib/systemd/system/sockethub.service"):
            self.assertIn("opt/sh/" + expected, files)
        if os.path.isdir(lib.ROOT + "/schema/platforms"):
            self.assertIn("opt/sh/share/sockethub/schema/verbs.json", files)
        if os.path.isdir(lib.ROOT + "/httpd-conf"):
            self.assertTrue([f for f in files if "/share/sockethub/httpd-conf/" in f])
        self.assertFalse([f for f in files if f.endswith((".c", ".h", ".in"))])
        with open(self.dir + "/opt/sh/lib/systemd/system/sockethub.service", encoding="utf-8") as f:
            self.assertIn("ExecStart=/opt/sh/bin/sockethubd ", f.read())
        self.check_config()
        self.script("--remove", self.dir, "/opt/sh")
        self.assertEqual(self.files(), set())

    def check_config(self):
        """The installed gateway finds the installed schema files, by their place beside the program."""
        conf = self.dir + "/c.json"
        with open(conf, "w", encoding="utf-8") as f:
            json.dump({"listen": "127.0.0.1:1", "platforms": {"dummy": {}}, "secrets": ["x"]}, f)
        gateway = self.dir + "/opt/sh/bin/sockethub-gateway"
        done = subprocess.run([gateway, "--config", conf, "--check-config"], capture_output=True, text=True,
                              check=False, timeout=60, cwd="/", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)
        os.rename(self.dir + "/opt/sh/share/sockethub/schema", self.dir + "/opt/sh/share/sockethub/away")
        done = subprocess.run([gateway, "--config", conf, "--check-config"], capture_output=True, text=True,
                              check=False, timeout=60, cwd="/", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2, "the source tree's schema files are not looked for")
        os.rename(self.dir + "/opt/sh/share/sockethub/away", self.dir + "/opt/sh/share/sockethub/schema")
        os.unlink(conf)


class Scripts(unittest.TestCase):
    def run_script(self, *words, **env):
        return subprocess.run([lib.ROOT + "/" + words[0], *words[1:]], capture_output=True, text=True, check=False,
                              timeout=120, stdin=subprocess.DEVNULL, cwd="/",
                              env={"PATH": env.pop("PATH", os.environ["PATH"]), **env})

    def test_deps_with_everything_there_asks_nothing(self):
        """dpkg-query says that all is installed; apt-get and sudo would fail loudly."""
        folder = tempfile.mkdtemp(prefix="sh-bin-")
        self.addCleanup(shutil.rmtree, folder)
        with open(lib.ROOT + "/scripts/deps", encoding="utf-8") as f:
            words = set(re.findall(r"[a-z0-9][a-z0-9.+-]+", f.read()))
        listing = "".join("install ok installed|%s, \\n" % w for w in sorted(words))
        for name, text in (("dpkg-query", "printf '%s'" % listing), ("apt-get", "echo asked; exit 1"),
                           ("sudo", "echo asked; exit 1")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\n%s\n" % text)
            os.chmod(os.path.join(folder, name), 0o755)
        path = folder + ":" + os.environ["PATH"]
        for purpose in ("run", "check", "lint", "bench"):
            done = self.run_script("scripts/deps", purpose, PATH=path)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), purpose)

    def test_deps_refuses_an_unknown_purpose(self):
        done = self.run_script("scripts/deps", "nonsense")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("unknown purpose nonsense", done.stderr)

    def test_layers_notice_a_wrong_include(self):
        folder = tempfile.mkdtemp(prefix="sh-layers-")
        self.addCleanup(shutil.rmtree, folder)
        os.makedirs(folder + "/scripts")
        shutil.copy(lib.ROOT + "/scripts/layers", folder + "/scripts/")
        rows = (("core/a.h", "core/err.h", 0), ("core/a.c", "gateway/api.h", 1), ("schema/a.c", "workers/job.h", 1),
                ("gateway/a.c", "workers/job.h", 1), ("gateway/a.c", "schema/schema.h", 0),
                ("workers/a.c", "platforms/platform.h", 0), ("workers/a.c", "platforms/irc/irc.h", 1),
                ("platforms/irc/irc.c", "core/session.h", 1), ("platforms/irc/irc.c", "core/http.h", 0),
                ("platforms/irc/irc.c", "platforms/xmpp/x.h", 1), ("platforms/irc/irc.c", "platforms/irc/x.h", 0),
                ("control/a.c", "schema/registry.h", 0), ("control/a.c", "gateway/api.h", 1))
        for path, include, bad in rows:
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                f.write('#include <stdio.h>\n#include "%s"\n' % include)
            done = subprocess.run([folder + "/scripts/layers"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, bad, (path, include, done))
            os.unlink(os.path.join(folder, path))


class Run(unittest.TestCase):
    """scripts/run, with stand-ins for gateway and worker and the real sockethubd and private Redis."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="sh-run-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.dir)
        for folder in ("scripts", "build/plain", "run/births"):
            os.makedirs(os.path.join(self.dir, folder))
        shutil.copy(lib.ROOT + "/scripts/run", self.dir + "/scripts/")
        shutil.copy(lib.BUILD + "/sockethubd", self.dir + "/build/plain/")
        for name in ("sockethub-gateway", "sockethub-worker"):
            shutil.copy(lib.ROOT + "/tests/fake/child.py", os.path.join(self.dir, "build/plain", name))
        self.out = self.dir + "/out"

    def begin(self, port):
        with open(self.out, "w", encoding="utf-8") as out:
            child = subprocess.Popen([self.dir + "/scripts/run", "127.0.0.1:%d" % port], stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out, cwd="/", env={"PATH": os.environ["PATH"]},
                                     start_new_session=True)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            os.kill(child.pid, signal.SIGTERM)
            child.wait(30)

    def text(self):
        with open(self.out, encoding="utf-8") as f:
            return f.read()

    def test_it_starts_explains_and_stops(self):
        port = lib.free_port()
        child = self.begin(port)
        lib.until("the explanation", lambda: "Ctrl-C stops it." in self.text() or child.poll() is not None, 60)
        text = self.text()
        with open(self.dir + "/run/sockethub.json", encoding="utf-8") as f:
            config = json.load(f)
        self.assertEqual(os.stat(self.dir + "/run/sockethub.json").st_mode & 0o777, 0o600)
        self.assertEqual(config["platforms"], {"dummy": {}, "email": {}, "feeds": {}, "xmpp": {}})
        self.assertNotIn("outbound", config)
        self.assertRegex(config["secrets"][0], r"^[0-9a-f]{32}$")
        self.assertIn("Secret: " + config["secrets"][0], text)
        curl = [line for line in text.splitlines() if line.startswith("curl ")][0]
        done = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        jobs = json.loads(re.search(r"-d '(.*)'$", curl).group(1))
        self.assertEqual([j["verb"] for j in jobs], ["register", "echo"])
        with open(self.dir + "/run/sockethubd.pid", encoding="utf-8") as f:
            daemon = int(f.read())
        os.kill(child.pid, signal.SIGINT)
        self.assertEqual(child.wait(40), 0, self.text())
        self.assertFalse(lib.alive(daemon))

    def test_a_taken_port_is_explained(self):
        with socket.socket() as other:
            port = lib.free_port()
            other.bind(("127.0.0.1", port))
            other.listen()
            child = self.begin(port)
            self.assertNotIn(child.wait(60), (0, None))
        self.assertIn("127.0.0.1:%d is taken; choose another: make run LISTEN=" % port, self.text())


if __name__ == "__main__":
    lib.main()
