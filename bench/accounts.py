# SPDX-License-Identifier: MIT
"""accounts - many XMPP accounts in one worker: what each costs in memory, and that each gets its messages.

A real Prosody, one session per account, as many long polls as accounts. Every account sends one message to the next.
"""
import concurrent.futures
import http.client
import json
import os
import socket
import subprocess
import time

from procs import Failed, System, cpu_seconds, free_port, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOMAIN, PASSWORD = "localhost", "secret"
WAIT_S = 60


def pss_kb(pid):
    """Proportional set size: what the process needs, shared pages divided among those that share them."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


class Prosody:
    """A server with accounts u0, u1, ..., started by the script that the tests use."""

    def __init__(self, folder, n):
        self.folder = os.path.join(folder, "prosody")
        self.port = self.pair()
        users = " ".join(f"u{i}" for i in range(n))
        done = subprocess.run([f"{ROOT}/tests/servers/prosody/start.sh", self.folder, str(self.port)],
                              env={**os.environ, "XMPP_USERS": users, "XMPP_LOG": "error"}, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise Failed(f"prosody: {done.stderr.strip()}")
        self.ca = os.path.join(self.folder, "ca.pem")

    @staticmethod
    def pair():
        """A free port whose successor is free, too."""
        for _ in range(100):
            port = free_port()
            try:
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue
        raise Failed("no two free ports side by side")

    def stop(self):
        subprocess.run([f"{ROOT}/tests/servers/stop.sh", self.folder], check=False, capture_output=True)


class Client:
    """One session with one account, over one kept connection."""

    def __init__(self, system, i, port):
        self.address = f"u{i}@{DOMAIN}"
        self.where = system.http
        self.conn = http.client.HTTPConnection(system.http, timeout=WAIT_S + 30)
        self.credentials = {"objectType": "credentials", "username": self.address, "password": PASSWORD,
                            "server": "127.0.0.1", "port": port, "resource": "bench"}
        self.path, self.cursor = "/sockethub", ""

    def request(self, method, path, body=None):
        self.conn.request(method, path, body=json.dumps(body) if body is not None else None,
                          headers={"Content-Type": "application/json"} if body is not None else {})
        answer = self.conn.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise Failed(f"{method} {path}: {answer.status} {data[:200]!r}")
        self.path = answer.getheader("Location") or self.path
        return json.loads(data)

    def job(self, verb, rid, **members):
        return {"platform": "xmpp", "verb": verb, "rid": rid, "actor": {"address": self.address}, "target": [],
                "object": {}, **members}

    def run(self, *jobs):
        """Posts and waits; every job has to succeed."""
        replies = self.request("POST", f"{self.path}?wait={WAIT_S}", list(jobs))
        failed = [r for r in replies if r.get("status") is False]
        results = [r for r in replies if r.get("verb") not in ("confirm", None)]
        if failed or len(results) < len(jobs):
            raise Failed(f"{self.address}: {json.dumps(failed or replies)[:300]}")

    def connect(self):
        self.run({"platform": "dispatcher", "verb": "register", "rid": 1, "object": {"secret": "bench"}},
                 {"platform": "xmpp", "verb": "set", "rid": 2, "actor": {"address": self.address},
                  "object": self.credentials},
                 self.job("connect", 3))

    def wait_for_text(self, text):
        """Polls until the message has come; the time at which it had."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            after = f"&after={self.cursor}" if self.cursor else ""
            page = self.request("GET", f"{self.path}?wait=25{after}")
            self.cursor = page["cursor"] or self.cursor
            for m in page["messages"]:
                if m.get("verb") == "send" and m.get("object", {}).get("text") == text and \
                        m.get("actor", {}).get("address") != self.address:
                    return time.monotonic()
        raise Failed(f"{self.address}: its message did not come")


def measure(procs, build, folder, n):
    """A flat dict of numbers: kb per account, seconds to connect all, delivery times."""
    prosody = Prosody(folder, n)
    try:
        bare = hello(build, prosody.port, n)
    except BaseException:
        prosody.stop()
        raise
    system = System(procs, build, os.path.join(folder, "system"), platforms={
        "xmpp": {"accounts": n, "ca_file": prosody.ca, "connect_timeout_s": WAIT_S}}, outbound=["127.0.0.0/8"])
    try:
        return {**run(system, prosody.port, n), **bare}
    finally:
        system.stop()
        prosody.stop()


def hello(build, port, n):
    """What as many accounts take with libstrophe alone."""
    done = subprocess.run([f"{build}/bench/hello_xmpp", "--port", str(port), "--accounts", str(n)], capture_output=True,
                          text=True, timeout=WAIT_S * 2, check=False)
    if done.returncode != 0:
        raise Failed(f"hello_xmpp: {done.stderr.strip()}")
    return {f"hello_{k}": v for k, v in json.loads(done.stdout).items()}


def run(system, port, n):
    clients = [Client(system, i, port) for i in range(n)]
    worker = system.pids()["worker"][0]
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        clients[0].connect()  # what only the first one costs is not an account's
        before, threads_before = pss_kb(worker), threads(worker)
        began = time.monotonic()
        list(pool.map(Client.connect, clients[1:], timeout=WAIT_S * 3))
        connected_s = time.monotonic() - began
        wait_for("the worker to come to rest", Rest(worker), 30)
        idle = pss_kb(worker)
        grown = threads(worker) - threads_before
        waiting = [pool.submit(c.wait_for_text, f"to {c.address}") for c in clients]
        senders = [Client.__new__(Client) for _ in clients]
        sent = {}
        for i, s in enumerate(senders):
            s.__dict__.update(clients[i].__dict__)
            s.conn = http.client.HTTPConnection(system.http, timeout=WAIT_S + 30)
            to = clients[(i + 1) % n].address
            sent[to] = time.monotonic()
            s.run(s.job("send", 9, target=[{"address": to}], object={"text": f"to {to}"}))
        came = [f.result(timeout=WAIT_S) for f in waiting]
        took = sorted(came[i] - sent[clients[i].address] for i in range(n))
        return {"kb": (idle - before) / (n - 1), "kb_after": (pss_kb(worker) - before) / (n - 1),
                "threads": grown / (n - 1), "accounts": n, "connect_s": connected_s,
                "p50_us": took[n // 2] * 1e6, "p99_us": took[n * 99 // 100] * 1e6}


class Rest:
    """True when a process has used no processor time to speak of between two looks."""

    def __init__(self, pid):
        self.pid, self.last, self.at = pid, None, 0.0

    def __call__(self):
        now = time.monotonic()
        if now - self.at < 0.5:
            return False
        used, self.at = cpu_seconds(self.pid), now
        rests = self.last is not None and used - self.last < 0.05
        self.last = used
        return rests
