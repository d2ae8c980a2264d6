# SPDX-License-Identifier: MIT
"""sockethubd: what children are given, what follows when they end, reload, drain, the private Redis. The children are
stand-ins (tests/fake/child.py), so that each of them can be looked into; the Redis is a real one."""

import glob
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time

import lib

FAKE = os.path.join(lib.ROOT, "tests/fake/child.py")


class Supervised(lib.StackTest):
    """A stack whose build folder holds the real sockethubd and two stand-ins."""

    def make(self, config=None, **kw):
        s = self.stack(start=False, supervised=True, config=config, **kw)
        os.mkdir(s.dir + "/bin")
        os.mkdir(s.dir + "/births")
        shutil.copy(os.path.join(lib.BUILD, "sockethubd"), s.dir + "/bin/")
        for name in ("sockethub-gateway", "sockethub-worker"):
            shutil.copy(FAKE, os.path.join(s.dir, "bin", name))
        if s.redis:
            s.redis.start()
        return s

    def launch(self, s, extra=(), wait=True):
        d = s.spawn("sockethubd", [s.dir + "/bin/sockethubd", "--config", s.conf_path, *extra])
        s.daemon = d
        if wait:
            d.wait_event("ready")
        return d

    def births(self, s, program=None, at_least=0):
        def read():
            found = []
            for path in glob.glob(s.dir + "/births/*.json"):
                with open(path) as f:
                    found.append(json.load(f))
            if program:
                found = [b for b in found if b["program"] == program]
            return found if len(found) >= at_least else None
        return lib.until("%d births" % at_least, read, lib.START_S)

    def living(self, s, program, count=1):
        def look():
            found = [b for b in self.births(s, program) if lib.alive(b["pid"])]
            return found if len(found) == count else None
        return lib.until("%d living %s" % (count, program), look, lib.START_S)

    def gone(self, pids, timeout=20):
        lib.until("processes %s end" % pids, lambda: not any(lib.alive(p) for p in pids), timeout)


class Children(Supervised):
    def test_what_they_are_given(self):
        s = self.make(platforms={"dummy": {"workers": 2}, "feeds": {}, "irc": {"workers": 0}}, gateways=2,
                      fastcgi=True, config={"admin": "127.0.0.1:%d" % lib.free_port()})
        self.launch(s)
        gateways, workers = self.births(s, "sockethub-gateway"), self.births(s, "sockethub-worker")
        self.assertEqual(sorted(b["env"]["SOCKETHUB_GATEWAY_INDEX"] for b in gateways), ["0", "1"])
        self.assertEqual(len({b["sockets"]["SOCKETHUB_LISTEN_FD"] for b in gateways}), 1, "one socket for both")
        self.assertEqual(len({b["sockets"]["SOCKETHUB_FASTCGI_FD"] for b in gateways}), 1)
        self.assertEqual(len({b["sockets"]["SOCKETHUB_ADMIN_FD"] for b in gateways}), 2, "one each")
        self.assertEqual({b["key"][1] for b in gateways}, {"master"})
        self.assertEqual(sorted((b["words"][0], b["key"][1]) for b in workers),
                         [("dummy", "dummy"), ("dummy", "dummy"), ("feeds", "feeds")])
        self.assertEqual(len({b["key"][2] for b in gateways + workers}), 3, "a key per platform and the master key")
        names = sorted(b["env"]["SOCKETHUB_WORKER_NAME"] for b in workers)
        self.assertRegex(names[0], r"^dummy-0-.{8}$")
        self.assertRegex(names[1], r"^dummy-1-.{8}$")
        for b in gateways + workers:
            self.assertEqual(b["words"][b["words"].index("--config") + 1], s.conf_path)
            self.assertNotIn("SOCKETHUB_WORKER_PREDECESSOR", b["env"])
            self.assertNotIn("SOCKETHUB_REDIS", b["env"], "the configuration names one")
            used = [int(v) for k, v in b["env"].items() if k.endswith("_FD")]
            extra = [fd for fd in b["fds"] if fd > 2 and fd not in used]
            self.assertLessEqual(len(extra), 1, "nothing else inherited (the one: the folder being listed)")

    def test_set_is_handed_on(self):
        s = self.make()
        self.launch(s, extra=["--set", "limits.queue=77", "--set", "log.level=info"])
        for b in self.births(s):
            words = b["words"]
            self.assertEqual(words[-4:], ["--set", "limits.queue=77", "--set", "log.level=info"])

    def test_a_killed_worker_is_replaced_and_named(self):
        s = self.make()
        self.launch(s)
        first = self.living(s, "sockethub-worker")[0]
        os.kill(first["pid"], signal.SIGKILL)
        self.births(s, "sockethub-worker", at_least=2)
        second = self.living(s, "sockethub-worker")[0]
        self.assertEqual(second["env"]["SOCKETHUB_WORKER_PREDECESSOR"], first["env"]["SOCKETHUB_WORKER_NAME"])
        self.assertNotEqual(second["env"]["SOCKETHUB_WORKER_NAME"], first["env"]["SOCKETHUB_WORKER_NAME"])
        line = s.daemon.events("child.ended")[0]
        self.assertIn("signal=Killed", line)
        self.assertIn("child=dummy-0", line)

    def test_back_off_doubles(self):
        s = self.make()
        self.launch(s)
        times = []
        for n in range(3):
            pid = self.living(s, "sockethub-worker")[0]["pid"]
            os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            self.births(s, "sockethub-worker", at_least=n + 2)
            times.append(time.monotonic() - began)
        self.assertGreater(times[0], 0.09)
        self.assertGreater(times[1], 0.19)
        self.assertGreater(times[2], 0.39)

    def test_gateway_restart_refuses_no_connection(self):
        s = self.make()
        self.launch(s)
        for _ in range(3):
            pid = int(s.http("GET", "/").body)
            os.kill(pid, signal.SIGKILL)
            self.gone([pid])
            self.assertNotEqual(int(s.http("GET", "/").body), pid, "waited in the backlog, then answered")

    def test_a_refused_configuration_ends_the_start(self):
        s = self.make(config={"log": {"level": "warn"}})
        d = self.launch(s, wait=False)
        d.ends(2)

    def test_a_missing_program_ends_the_start(self):
        s = self.make()
        os.unlink(s.dir + "/bin/sockethub-worker")
        d = self.launch(s, wait=False)
        d.ends(1)
        self.assertIn("sockethub-worker: No such file or directory", d.log())


class Signals(Supervised):
    def test_drain(self):
        s = self.make(fastcgi=True)
        d = self.launch(s)
        pids = [b["pid"] for b in self.births(s)]
        self.assertTrue(os.path.exists(s.fastcgi_path))
        self.assertEqual(stat.S_IMODE(os.stat(s.fastcgi_path).st_mode), 0o660)
        self.assertEqual(d.stop(), 0)
        self.assertFalse([p for p in pids if lib.alive(p)])
        self.assertFalse(os.path.exists(s.fastcgi_path), "the socket's file is removed")
        self.assertFalse(os.path.exists(s.dir + "/sockethubd.pid"))

    def test_a_second_signal_ends_at_once(self):
        s = self.make(config={"drain_s": 60})
        d = self.launch(s)
        open(s.dir + "/stubborn", "w").close()
        pids = [b["pid"] for b in self.births(s)]
        d.signal(signal.SIGINT)
        d.wait_event("drain")
        self.assertTrue(all(lib.alive(p) for p in pids))
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(10), 0)
        self.gone(pids)

    def test_what_does_not_end_is_killed_after_the_drain_time(self):
        s = self.make(config={"drain_s": 0})
        d = self.launch(s)
        open(s.dir + "/stubborn", "w").close()
        began = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertGreater(time.monotonic() - began, 4.5)
        self.assertTrue(d.events("drain.overdue"))

    def test_children_end_when_the_supervisor_is_killed(self):
        s = self.make()
        d = self.launch(s)
        pids = [b["pid"] for b in self.births(s)]
        d.kill()
        self.gone(pids)

    def test_start_after_a_kill(self):
        s = self.make(fastcgi=True)
        for _ in range(3):
            d = self.launch(s)
            s.http("GET", "/")
            d.kill()
        d = self.launch(s)
        s.http("GET", "/")
        self.assertEqual(len(self.living(s, "sockethub-worker")), 1)
        self.assertEqual(d.stop(), 0)

    def test_children_are_out_of_the_terminal_s_reach(self):
        s = self.make()
        self.launch(s)
        for b in self.births(s):
            self.assertEqual(os.getpgid(b["pid"]), b["pid"])


class Reload(Supervised):
    def test_all_are_replaced_without_a_refused_request(self):
        s = self.make(platforms=["dummy"], fastcgi=True)
        d = self.launch(s)
        old = {b["pid"] for b in self.births(s)}
        s.reconfigure({"platforms": {"feeds": {}}})
        d.signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while not d.events("reload.done"):
            self.assertEqual(s.http("GET", "/").status, 200)
            self.assertLess(time.monotonic(), end)
        self.gone(old)
        self.assertEqual(sorted(b["words"][0] for b in self.living(s, "sockethub-worker", 2)), ["dummy", "feeds"])
        self.assertNotIn(int(s.http("GET", "/").body), old)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(s.fastcgi_path)
        self.assertFalse([b for b in self.births(s) if "SOCKETHUB_WORKER_PREDECESSOR" in b["env"]])
        self.assertEqual(d.stop(), 0)

    def test_new_addresses(self):
        s = self.make(fastcgi=True)
        d = self.launch(s)
        old_port, new_port = s.port, lib.free_port()
        s.reconfigure({"listen": "127.0.0.1:%d" % new_port, "fastcgi": "unix:other.sock"})
        d.signal(signal.SIGHUP)
        d.wait_event("reload.done")
        self.assertEqual(s.http("GET", "/", port=new_port).status, 200)
        self.assertTrue(os.path.exists(s.dir + "/other.sock"))
        self.assertFalse(os.path.exists(s.fastcgi_path))

        def refused():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", old_port)) != 0
        lib.until("the old port is closed", refused)

    def test_a_bad_file_changes_nothing(self):
        s = self.make()
        d = self.launch(s)
        old = sorted(b["pid"] for b in self.births(s))
        with open(s.conf_path, "w") as f:
            f.write('{"listen": 5}')
        d.signal(signal.SIGHUP)
        line = d.wait_event("reload.refused")[0]
        self.assertIn("listen: has to be a string", line)
        self.assertEqual(sorted(b["pid"] for b in self.births(s)), old)
        self.assertEqual(s.http("GET", "/").status, 200)

    def test_what_a_child_refuses_changes_nothing(self):
        s = self.make()
        d = self.launch(s)
        old = {b["pid"] for b in self.births(s)}
        s.reconfigure({"log": {"level": "warn"}})
        d.signal(signal.SIGHUP)
        d.wait_event("reload.refused")
        self.assertIn(int(s.http("GET", "/").body), old)
        self.assertTrue(all(lib.alive(p) for p in old))
        s.reconfigure({"log": {"level": "info"}})
        d.signal(signal.SIGHUP)
        d.wait_event("reload.done")
        self.gone(old)

    def test_a_start_that_hangs_can_be_mended(self):
        """A worker that keeps crashing keeps the crew from being ready; a reload without it has to help."""
        s = self.make(platforms=["dummy"])
        with open(s.dir + "/bin/sockethub-worker", "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nexit 3\n")
        d = self.launch(s, wait=False)
        d.wait_event("child.ended", count=2)
        s.reconfigure({"platforms": {"dummy": {"workers": 0}}})
        d.signal(signal.SIGHUP)
        d.wait_event("reload.done")
        d.wait_event("ready")
        self.assertEqual(d.stop(), 0)

    def test_the_state_dir_cannot_change(self):
        s = self.make()
        d = self.launch(s)
        s.reconfigure({"state_dir": "elsewhere"})
        d.signal(signal.SIGHUP)
        self.assertIn("need a restart", d.wait_event("reload.refused")[0])


class Sockets(Supervised):
    def test_a_taken_port(self):
        s = self.make()
        with socket.socket() as other:
            other.bind(("127.0.0.1", s.port))
            other.listen()
            d = self.launch(s, wait=False)
            d.ends(1)
        self.assertIn("127.0.0.1:%d: Address already in use" % s.port, d.log())

    def test_two_supervisors_in_one_state_dir(self):
        s = self.make()
        self.launch(s)
        second = s.spawn("second", [s.dir + "/bin/sockethubd", "--config", s.conf_path])
        second.ends(1)
        self.assertIn("another sockethubd runs", second.log())

    def test_a_unix_socket_somebody_answers_on_is_left_alone(self):
        s = self.make(fastcgi=True)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(s.fastcgi_path)
            other.listen()
            d = self.launch(s, wait=False)
            d.ends(1)
        self.assertTrue(os.path.exists(s.fastcgi_path))
        d = self.launch(s)  # now it is stale
        self.assertEqual(d.stop(), 0)

    def test_a_file_in_the_way_is_left_alone(self):
        s = self.make(fastcgi=True)
        open(s.fastcgi_path, "w").close()
        d = self.launch(s, wait=False)
        d.ends(2)
        self.assertIn("exists and is not a socket", d.log())


class PrivateRedis(Supervised):
    def ping(self, s):
        private = lib.Redis(s.dir)
        private.path = s.dir + "/redis.sock"
        self.addCleanup(private.hang_up)
        return private

    def redis_pid(self, s):
        return [pid for pid, words in lib.children(s.daemon.pid) if "redis-server" in words[0]][0]

    def test_it_is_started_and_ended(self):
        s = self.make(redis=False)
        d = self.launch(s)
        r = self.ping(s)
        self.assertEqual(r("PING"), b"PONG")
        self.assertEqual(stat.S_IMODE(os.stat(r.path).st_mode), 0o700)
        self.assertEqual(r("CONFIG", "GET", "appendonly"), [b"appendonly", b"yes"])
        self.assertEqual(r("CONFIG", "GET", "save"), [b"save", b""])
        for b in self.births(s):
            self.assertEqual(b["env"]["SOCKETHUB_REDIS"], "unix://" + r.path)
        pid = self.redis_pid(s)
        self.assertEqual(d.stop(), 0)
        self.assertFalse(lib.alive(pid))

    def test_it_keeps_its_data_over_a_kill_and_a_restart(self):
        s = self.make(redis=False)
        d = self.launch(s)
        r = self.ping(s)
        r("SET", "a", "1")
        r("CONFIG", "SET", "appendfsync", "always")
        r("SET", "b", "2")
        pid = self.redis_pid(s)
        r.hang_up()
        os.kill(pid, signal.SIGKILL)
        d.wait_event("redis.up", count=2)
        self.assertEqual([r("GET", "a"), r("GET", "b")], [b"1", b"2"])
        self.assertEqual(len(self.living(s, "sockethub-worker")), 1)
        r.hang_up()
        d.stop()
        self.launch(s)
        self.assertEqual(r("GET", "a"), b"1")

    def test_no_server_is_left_behind(self):
        s = self.make(redis=False)
        d = self.launch(s)
        pids = [self.redis_pid(s)]
        r = self.ping(s)
        r("SET", "kept", "yes")
        r.hang_up()
        for _ in range(2):
            d.kill()
            d = self.launch(s)
            self.gone(pids)
            pids = [self.redis_pid(s)]
        self.assertEqual(r("GET", "kept"), b"yes")
        r.hang_up()
        self.assertEqual(d.stop(), 0)
        self.gone(pids)

    def test_a_path_that_is_too_long(self):
        s = self.make(redis=False)
        s.reconfigure({"state_dir": "x" * 100})
        d = self.launch(s, wait=False)
        d.ends(1)
        self.assertIn("too long for a unix socket", d.log())

    def test_a_server_that_cannot_start(self):
        for program, text in (("no-such-redis", "is redis-server installed?"), ("/bin/false", "redis.log")):
            with self.subTest(program):
                s = self.make(redis=False, config={"redis_server": program})
                d = self.launch(s, wait=False)
                d.ends(1)
                self.assertIn(text, d.log())

    def test_signal_while_starting(self):
        s = self.make(redis=False)
        d = self.launch(s, wait=False)
        d.wait_event("child.started")
        self.assertEqual(d.stop(), 0)


class Check(Supervised):
    def check(self, s, *extra):
        return subprocess.run([s.dir + "/bin/sockethubd", "--config", s.conf_path, "--check-config", *extra],
                              capture_output=True, text=True, timeout=30, check=False)

    def test_check_config(self):
        s = self.make()
        self.assertEqual(self.check(s).returncode, 0)
        for extra, text in ((["--set", "listen=nonsense"], "nonsense: has to be HOST:PORT"),
                            (["--set", "platforms.dummy.workers=-1"], "platforms.dummy.workers"),
                            (["--set", "gateways=99"], "gateways: has to be a whole number from 0 to 64")):
            done = self.check(s, *extra)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(text, done.stderr)
        self.assertEqual(glob.glob(s.dir + "/*.lock"), [], "checking leaves nothing behind")


if __name__ == "__main__":
    lib.main()
