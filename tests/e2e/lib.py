# SPDX-License-Identifier: MIT
"""lib - what the end-to-end tests stand on: a whole Sockethub in a temporary folder.

    class Echo(lib.StackTest):
        def test_echo(self):
            s = self.stack(platforms=["dummy"])        # redis, one gateway, one worker; ready
            sid = s.register()
            reply = s.post({"rid": 2, "platform": "dummy", "verb": "echo", ...}, sid=sid, wait=5)
            s.workers["dummy"][0].kill()               # SIGKILL: allowed, because the test asked for it

Every process is ours and ends by its id. A process that dies by itself, or writes a sanitizer's report, fails the
test, and the logs of a failed test are printed. Nothing sleeps for luck: until() polls a condition with a bound.
SOCKETHUB_BUILD names the folder with the programs (default build/plain). Standard library only."""

import base64
import collections
import copy
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import urlencode

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("SOCKETHUB_BUILD", "build/plain"))
SECRET = "a-secret-for-tests"
START_S = 30  # sanitized builds on a busy machine are slow to start
STOP_S = 30
REPORT = re.compile(r"(ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|Assertion .* failed)")

Reply = collections.namedtuple("Reply", "status headers body")
Posted = collections.namedtuple("Posted", "status headers sid replies")
Event = collections.namedtuple("Event", "id data")


def until(what, condition, timeout=10.0, step=0.02):
    """The first true value of condition(); fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("%s: not within %g s" % (what, timeout))
        time.sleep(step)


_reserved = {}


def free_ports(n):
    """The first of n TCP ports in a row on 127.0.0.1 that nobody listens on, below the ephemeral range, so that no
    outgoing connection takes one; reserved among tests that run in parallel by the names of abstract sockets."""
    while True:
        first = random.SystemRandom().randrange(20000, 32000 - n)
        marks = {}
        try:
            for port in range(first, first + n):
                marks[port] = socket.socket(socket.AF_UNIX)
                marks[port].bind("\0sockethub-test-port-%d" % port)
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            for mark in marks.values():
                mark.close()
            continue
        _reserved.update(marks)
        return first


def free_port():
    """One port as free_ports() finds it."""
    return free_ports(1)


def alive(pid):
    """False also for a zombie that nobody has reaped yet."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def children(pid):
    """[(pid, command line words)] of the living direct children of `pid`."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as f:
                rest = f.read().rpartition(b")")[2].split()
            with open("/proc/%s/cmdline" % name, "rb") as f:
                words = f.read().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if int(rest[1]) == pid and rest[0] not in (b"Z", b"X"):
            found.append((int(name), words))
    return sorted(found)


class Process:
    """One child process, its log in a file of its own."""

    def __init__(self, name, argv, folder, env=None, pass_fds=(), stdin=subprocess.DEVNULL):
        self.name = name
        self.argv = argv
        self.log_path = os.path.join(folder, "%s.log" % name)
        self.asked = None  # the signal the test sent
        self.expected = None  # the exit status the test expects it to end with by itself
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SOCKETHUB_")}
        environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        environ.update(env or {})
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=stdin, stdout=log, stderr=log, env=environ,
                                          pass_fds=pass_fds, cwd=folder)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def events(self, name):
        """Log lines of the event `name`."""
        return [line for line in self.log().splitlines() if " ev=%s" % name in line + " "
                and re.search(r" ev=%s( |$)" % re.escape(name), line)]

    def wait_event(self, name, count=1, timeout=START_S):
        def there():
            lines = self.events(name)
            return lines if len(lines) >= count else None
        return until("%s: %d x ev=%s" % (self.name, count, name), there, timeout)

    def signal(self, number):
        self.asked = number
        if self.running():
            os.kill(self.pid, number)

    def wait(self, timeout=STOP_S):
        return self.popen.wait(timeout)

    def kill(self):
        """SIGKILL, as a fault; returns when the process is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, timeout=STOP_S):
        """SIGTERM; the exit status. SIGKILL and a failure when it does not end."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("%s did not end %g s after SIGTERM" % (self.name, timeout)) from None

    def ends(self, status, timeout=20):
        """It ends by itself, with this exit status (a negative one: by that signal)."""
        self.expected = status
        try:
            found = self.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s did not end by itself" % self.name) from None
        if found != status:
            raise AssertionError("%s ended with %d, not %d:\n%s" % (self.name, found, status, self.log()))

    def verdict(self):
        """What is wrong with how the process went, or None."""
        report = REPORT.search(self.log())
        if report:
            return "%s: %s" % (self.name, report.group(0))
        code = self.popen.poll()
        if code is None or code == self.expected or (self.asked is not None and code in (0, -self.asked)):
            return None
        if self.asked is None:
            return "%s ended by itself with status %d" % (self.name, code)
        return "%s ended with status %d after signal %d" % (self.name, code, self.asked)


class Redis:
    """A redis-server of our own on a unix socket."""

    def __init__(self, folder, extra=()):
        self.folder = folder
        self.path = os.path.join(folder, "r.sock")
        self.extra = list(extra)
        self.process = None
        self._sock = self._file = None

    def start(self):
        argv = ["redis-server", "--port", "0", "--unixsocket", self.path, "--unixsocketperm", "700",
                "--dir", self.folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                "--daemonize", "no", *self.extra]
        self.process = Process("redis", argv, self.folder)
        until("redis answers", self._answers, START_S)

    def _answers(self):
        if not self.process.running():
            raise AssertionError("redis-server ended:\n" + self.process.log())
        try:
            return self("PING") == b"PONG"
        except (OSError, RuntimeError):
            self.hang_up()
            return False

    def hang_up(self):
        for thing in (self._file, self._sock):
            if thing is not None:
                thing.close()
        self._sock = self._file = None

    def kill(self):
        self.hang_up()
        self.process.kill()

    def stop(self):
        self.hang_up()
        self.process.stop()

    def __call__(self, *words):
        """One command; bytes, int, None or a list. An error reply raises RuntimeError."""
        if self._sock is None:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.settimeout(10)
            self._sock.connect(self.path)
            self._file = self._sock.makefile("rb")
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self._sock.sendall(b"*%d\r\n" % len(words) +
                           b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self._reply()

    def _reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis hung up")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else self._file.read(int(rest) + 2)[:-2]
        return None if int(rest) < 0 else [self._reply() for _ in range(int(rest))]


class Stream:
    """The messages of GET BASE/SID/stream, one by one: iterate, or next_event(timeout)."""

    def __init__(self, port, path, headers, timeout):
        self.conn = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.conn.request("GET", path, headers=headers)
        self.response = self.conn.getresponse()
        self.status = self.response.status
        self.headers = {k.lower(): v for k, v in self.response.getheaders()}
        self.lines = "ndjson" in self.headers.get("content-type", "")
        self.comments = 0

    def next_event(self, timeout=None):
        """An Event (NDJSON: id None); None at the end of the stream; TimeoutError when nothing comes."""
        if timeout is not None and self.conn.sock is not None:
            self.conn.sock.settimeout(timeout)
        ident, data = None, []
        while True:
            raw = self.response.readline()
            if not raw:
                return None
            line = raw.decode().rstrip("\r\n")
            if self.lines:
                if line:
                    return Event(None, json.loads(line))
                self.comments += 1
            elif line.startswith(":"):
                self.comments += 1
            elif line.startswith("id:"):
                ident = line[3:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
            elif line == "" and data:
                return Event(ident, json.loads("\n".join(data)))

    def __iter__(self):
        return iter(self.next_event, None)

    def close(self):
        self.response.close()
        self.conn.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Stack:
    """Redis, gateways and workers in a temporary folder.

    platforms   names, or {name: settings}; each gets `workers` worker processes
    config      members merged over the default configuration (inner objects too); None removes one
    gateways    how many; `ports` has the HTTP port of each
    fastcgi     also serve FastCGI; `fastcgi_path` is the socket
    supervised  everything through sockethubd: `daemon` is its Process, `gateways` and `workers` stay empty
    redis       False: none is started and none configured (supervised: sockethubd's private one)
    start       False: make the files only; start by start_redis(), start_gateway(), start_worker()"""

    def __init__(self, platforms=("dummy",), config=None, gateways=1, workers=1, fastcgi=False,
                 supervised=False, redis=True, start=True, env=None):
        top = "/tmp" if os.access("/tmp", os.W_OK) else None  # short: unix socket paths end at 107 bytes
        self.dir = tempfile.mkdtemp(prefix="sh-", dir=top)
        self.env = dict(env or {})
        self.processes = []
        self.gateways, self.workers, self.daemon = [], {}, None
        self.ports = [free_port() for _ in range(1 if supervised else gateways)]
        self.port = self.ports[0] if self.ports else None
        self.fastcgi_path = os.path.join(self.dir, "fcgi.sock")
        self.redis = Redis(self.dir) if redis else None
        self.names = list(platforms)
        self.conf_path = os.path.join(self.dir, "sockethub.json")
        self.closed = False
        self._configure(platforms, config, fastcgi, gateways if supervised else None)
        try:
            if start:
                self.start(gateways, workers, supervised)
        except BaseException:
            self.close(check=False)
            raise

    # --- set-up ---

    def _configure(self, platforms, config, fastcgi, gateways):
        settings = dict(platforms) if isinstance(platforms, dict) else {p: {} for p in platforms}
        self.config = {"listen": "127.0.0.1:%s" % self.port, "secrets": [SECRET], "state_dir": ".",
                       "drain_s": 3, "platforms": settings, "limits": {"jobs_per_s": 1000000},
                       "log": {"level": "debug"}}
        if self.redis:
            self.config["redis"] = "unix://" + self.redis.path
        if fastcgi:
            self.config["fastcgi"] = "unix:" + self.fastcgi_path
        if gateways is not None:
            self.config["gateways"] = gateways
        self.reconfigure(config or {})
        with open(os.open(os.path.join(self.dir, "master.key"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write("sockethub-key-1 master %s\n" % base64.b64encode(os.urandom(32)).decode())

    def reconfigure(self, changes):
        """Merge into the configuration file; running processes do not notice by themselves."""
        def merge(into, new):
            for key, value in new.items():
                if value is None:
                    into.pop(key, None)
                elif isinstance(value, dict) and isinstance(into.get(key), dict):
                    merge(into[key], value)
                else:
                    into[key] = copy.deepcopy(value)
        merge(self.config, changes)
        with open(self.conf_path, "w") as f:
            json.dump(self.config, f, indent=1)

    def spawn(self, name, argv, **how):
        """A process of this stack: ended and judged with it. A relative program is looked for in the build."""
        if "/" not in argv[0] and os.path.exists(os.path.join(BUILD, argv[0])):
            argv = [os.path.join(BUILD, argv[0]), *argv[1:]]
        env = {**self.env, **how.pop("env", {})}
        process = Process("%s-%d" % (name, len(self.processes)), argv, self.dir, env=env, **how)
        self.processes.append(process)
        return process

    def run(self, *argv, timeout=60, env=None):
        """Runs a program of the build to its end: subprocess.CompletedProcess with text."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SOCKETHUB_")}
        environ.update(self.env, **(env or {}))
        return subprocess.run([os.path.join(BUILD, argv[0]), *argv[1:]], cwd=self.dir, env=environ,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                              check=False)

    def start(self, gateways=1, workers=1, supervised=False):
        if self.redis:
            self.redis.start()
        if supervised:
            self.start_daemon()
            return
        for _ in range(gateways):
            self.start_gateway(wait=False)
        for name in self.names:
            for _ in range(workers):
                self.start_worker(name)
        for port in self.ports[:gateways]:
            self.wait_ready(port)

    def start_redis(self):
        self.redis.start()

    def start_daemon(self, wait=True, extra=()):
        self.daemon = self.spawn("sockethubd", ["sockethubd", "--config", self.conf_path, *extra])
        if wait:
            self.wait_ready(self.port)
        return self.daemon

    def start_gateway(self, port=None, wait=True, extra=(), env=None):
        """One more gateway, on `port` (default: the next of `ports` without a living gateway)."""
        if port is None:
            used = [g.port for g in self.gateways if g.running()]
            free = [p for p in self.ports if p not in used]
            port = free[0] if free else free_port()
            if not free:
                self.ports.append(port)
        argv = ["sockethub-gateway", "--config", self.conf_path, "--set", "listen=127.0.0.1:%d" % port]
        if self.gateways and "fastcgi" in self.config and any(g.running() for g in self.gateways):
            argv += ["--set", "fastcgi=unix:%s.%d" % (self.fastcgi_path, port)]
        gateway = self.spawn("gateway", [*argv, *extra], env=env or {})
        gateway.port = port
        self.gateways.append(gateway)
        if wait:
            self.wait_ready(port)
        return gateway

    def start_worker(self, platform, extra=(), env=None):
        worker = self.spawn("worker-" + platform,
                            ["sockethub-worker", platform, "--config", self.conf_path, *extra], env=env or {})
        self.workers.setdefault(platform, []).append(worker)
        return worker

    def wait_ready(self, port=None, timeout=START_S):
        """Until /readyz answers 200, or any process of the stack has ended by itself."""
        def ready():
            for process in self.processes:
                if not process.running() and process.asked is None and process.expected is None:
                    raise AssertionError("%s ended while starting:\n%s" % (process.name, process.log()))
            try:
                return self.http("GET", "/readyz", port=port, timeout=5).status == 200
            except (OSError, http.client.HTTPException):
                return False
        until("/readyz on port %s" % (port or self.port), ready, timeout)

    # --- the client's side ---

    def http(self, method, path, body=None, headers=None, port=None, timeout=70):
        """One request on a connection of its own: Reply(status, headers in lower case, bytes)."""
        conn = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            try:
                conn.request(method, path, body=body, headers=headers or {})
            except BrokenPipeError:
                pass  # refused before all of the body was taken; the answer is there
            response = conn.getresponse()
            found = {k.lower(): v for k, v in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            conn.close()

    @property
    def base(self):
        return self.config.get("base", "/sockethub")

    def post(self, jobs, sid=None, wait=None, port=None, headers=None):
        """Jobs (one or a list; bytes go as they are): Posted(status, headers, sid, replies). `replies` is the parsed
        body, whatever the status. Without `sid` a new session is made; its id comes back."""
        path = self.base + ("/" + sid if sid else "") + ("?wait=%g" % wait if wait is not None else "")
        body = jobs if isinstance(jobs, bytes) else json.dumps(jobs).encode()
        reply = self.http("POST", path, body, {"Content-Type": "application/json", **(headers or {})}, port)
        return Posted(reply.status, reply.headers, reply.headers.get("sockethub-session", sid),
                      json.loads(reply.body) if reply.body else None)

    def register(self, port=None):
        """A registered session's id."""
        posted = self.post({"rid": "register", "platform": "dispatcher", "verb": "register",
                            "object": {"secret": SECRET}}, port=port)
        if posted.status != 200 or not posted.replies or posted.replies[-1].get("status") is not True:
            raise AssertionError("register: %r" % (posted,))
        return posted.sid

    def poll(self, sid, after=None, wait=None, limit=None, port=None):
        """(cursor, messages) of one long poll that has to answer 200."""
        query = {k: v for k, v in (("after", after), ("wait", wait), ("limit", limit)) if v is not None}
        path = "%s/%s%s" % (self.base, sid, "?" + urlencode(query) if query else "")
        reply = self.http("GET", path, port=port)
        if reply.status != 200:
            raise AssertionError("poll: %d %r" % (reply.status, reply.body))
        document = json.loads(reply.body)
        return document["cursor"], document["messages"]

    def collect(self, sid, done, after=None, timeout=20, port=None):
        """Polls until done(messages so far) is true: (cursor, messages)."""
        end, messages = time.monotonic() + timeout, []
        while not done(messages):
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError("after %g s only %d messages: %r" % (timeout, len(messages), messages[-3:]))
            after, more = self.poll(sid, after, wait=min(5, max(1, int(left))), port=port)
            messages += more
        return after, messages

    def sse(self, sid, after=None, last_event_id=None, ndjson=False, port=None, timeout=20):
        """A Stream; `timeout` bounds each read."""
        headers = {"Accept": "application/x-ndjson" if ndjson else "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        path = "%s/%s/stream%s" % (self.base, sid, "?" + urlencode({"after": after}) if after else "")
        return Stream(port or self.port, path, headers, timeout)

    # --- the end ---

    def logs(self, lines=60):
        everyone = self.processes + ([self.redis.process] if self.redis and self.redis.process else [])
        return "\n".join("--- %s (%s)\n%s" % (p.name, " ".join(p.argv), "\n".join(p.log().splitlines()[-lines:]))
                         for p in everyone)

    def close(self, check=True):
        """Ends everything and removes the folder. Raises AssertionError when a process misbehaved."""
        if self.closed:
            return
        self.closed = True
        wrong = [v for v in (p.verdict() for p in self.processes) if v]
        for process in self.processes:
            if process.running():
                process.signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                wrong.append("%s did not end after SIGTERM" % process.name)
                process.kill()
        wrong += [v for v in (p.verdict() for p in self.processes) if v and v not in wrong]
        if self.redis and self.redis.process and self.redis.process.running():
            self.redis.stop()
        self.last_logs = self.logs()
        shutil.rmtree(self.dir, ignore_errors=True)
        if check and wrong:
            raise AssertionError("; ".join(wrong))

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.close(check=kind is None)


class StackTest(unittest.TestCase):
    """A test case that ends its stacks and shows their logs when it fails."""

    def stack(self, *args, **kw):
        stack = Stack(*args, **kw)
        self._stacks.append(stack)
        self.addCleanup(stack.close)
        return stack

    def run(self, result=None):
        self._stacks = []
        before = len(result.failures) + len(result.errors) if result is not None else 0
        super().run(result)
        if result is not None and len(result.failures) + len(result.errors) > before:
            for stack in self._stacks:
                sys.stderr.write("\n=== logs of %s\n%s\n" % (self.id(), getattr(stack, "last_logs", "")))
        self._stacks = []
        return result


def main():
    """For the end of each test file: unittest with the names of the tests, and their times."""
    # A shell starts what it puts in the background with SIGINT ignored, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)
