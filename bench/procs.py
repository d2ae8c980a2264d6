# SPDX-License-Identifier: MIT
"""procs - the processes of a bench run: started in a folder of their own, known by id, all stopped at the end.

Knows how to start servers and to read /proc; what is measured is in bench/run.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

CLK_TCK = os.sysconf("SC_CLK_TCK")
ROLES = {"sockethub-gateway": "gateway", "sockethub-worker": "worker", "redis-server": "redis"}


class Failed(Exception):
    """Something could not be started or measured; the text says what."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        time.sleep(0.02)
    raise Failed(f"{what}: not ready after {seconds} s")


def descendants(pid):
    """Ids of all processes below `pid`."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += [int(p) for p in f.read().split()]
    except OSError:
        return []
    return found + [p for child in found for p in descendants(child)]


def role(pid):
    """What a process is for, by the name it was started under; None when it is none of ours."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
            words = f.read().split("\0")
    except OSError:
        return None
    return ROLES.get(os.path.basename(words[0]).split(" ")[0].rstrip(":"))


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / CLK_TCK


class Procs:
    """All that was started. Use as a context manager: whatever happens inside, nothing is left running."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in reversed(list(self.running)):
            self.stop(p)

    def start(self, name, *args, stdout=None):
        log = os.path.join(self.folder, f"{name}.log")
        with open(log, "ab") as f:
            p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=stdout or f, stderr=f,
                                 start_new_session=True)
        p.name, p.log = name, log
        self.running.append(p)
        return p

    def start_hello(self, build, name, *args):
        """A ceiling server; returns it and the address it prints once it listens."""
        p = self.start(name, f"{build}/bench/{name}", *args, stdout=subprocess.PIPE)
        where = p.stdout.readline().decode().strip()
        if not where:
            raise Failed(f"{name}: {self.tail(p)}")
        return p, where

    def stop(self, p):
        """SIGTERM to the process, then SIGKILL to what is left of its group and of its children."""
        below = descendants(p.pid)
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            pass
        for kill, pid in [(os.killpg, p.pid)] + [(os.kill, pid) for pid in below if role(pid)]:
            try:
                kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        p.wait()
        if p.stdout:
            p.stdout.close()
        self.running.remove(p)

    @staticmethod
    def tail(p):
        with open(p.log, encoding="utf-8", errors="replace") as f:
            return " | ".join(f.read().strip().splitlines()[-5:]) or f"status {p.poll()}, no output"


class Redis:
    """A private server, set up as sockethubd sets up its own: unix socket only, append-only file on."""

    def __init__(self, procs, folder):
        self.socket = os.path.join(folder, "redis.sock")
        # A rewrite of the file in the middle of a measurement would hit one figure and not its ceiling.
        self.process = procs.start(
            "redis", "redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", folder,
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--auto-aof-rewrite-percentage", "0")
        wait_for("redis-server", self.answers)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.socket)
                s.sendall(b"PING\r\n")
                return s.recv(16).startswith(b"+PONG")
            except OSError:
                return False


class System:
    """Sockethub with a Redis of its own: what the figures are figures of."""

    def __init__(self, procs, build, folder, platforms=None, outbound=()):
        os.makedirs(folder)
        self.procs = procs
        self.redis = Redis(procs, folder)
        self.http = f"127.0.0.1:{free_port()}"
        self.fastcgi = f"unix:{folder}/fastcgi.sock"
        config = {
            "listen": self.http, "fastcgi": self.fastcgi, "admin": f"127.0.0.1:{free_port()}",
            "secrets": ["bench"], "redis": f"unix://{self.redis.socket}",
            "state_dir": f"{folder}/state", "platforms": platforms or {"dummy": {}},
            "outbound": {"allow": list(outbound)},
            "limits": {"jobs_per_s": 1000000}, "log": {"level": "warn"}}
        path = os.path.join(folder, "sockethub.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.process = procs.start("sockethubd", f"{build}/sockethubd", "--config", path)
        wait_for("sockethubd", self.ready)

    def ready(self):
        if self.process.poll() is not None:
            raise Failed(f"sockethubd: {self.procs.tail(self.process)}")
        c = http.client.HTTPConnection(self.http, timeout=2)
        try:
            c.request("GET", "/readyz")
            return c.getresponse().status == 200
        except OSError:
            return False
        finally:
            c.close()

    def pids(self):
        """{"gateway": [ids], "worker": [ids], "redis": [id]}"""
        found = {"gateway": [], "worker": [], "redis": [self.redis.process.pid]}
        for pid in descendants(self.process.pid):
            if role(pid) in found:
                found[role(pid)].append(pid)
        return found

    def cpu(self):
        return {name: sum(map(cpu_seconds, ids)) for name, ids in self.pids().items()}

    def stop(self):
        self.procs.stop(self.process)
        self.procs.stop(self.redis.process)
