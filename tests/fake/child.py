#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""child - stands in for sockethub-gateway and sockethub-worker, to test the supervisor alone.

It reads its key, says by the lifeline that it is up, notes how it was started in a file births/PID.json beside the
configuration, answers HTTP requests on the inherited socket with its process id, and ends with status 0 on SIGTERM or
when the lifeline ends. The configuration's log.level "warn" stands for one it refuses; the file `stubborn` beside the
configuration makes it ignore SIGTERM."""

import json
import os
import select
import signal
import socket
import sys


def main():
    words = sys.argv[1:]
    conf = words[words.index("--config") + 1]
    folder = os.path.dirname(conf)
    environ = {k: v for k, v in os.environ.items() if k.startswith("SOCKETHUB_")}
    with os.fdopen(int(environ["SOCKETHUB_KEY_FD"])) as f:
        key = f.read()
    with open(conf) as f:
        if json.load(f).get("log", {}).get("level") == "warn":
            sys.exit(2)
    sockets = {name: os.readlink("/proc/self/fd/" + environ[name]) for name in environ
               if name in ("SOCKETHUB_LISTEN_FD", "SOCKETHUB_FASTCGI_FD", "SOCKETHUB_ADMIN_FD")}
    birth = {"program": os.path.basename(sys.argv[0]), "words": words, "env": environ, "key": key.split(),
             "sockets": sockets, "pid": os.getpid(), "fds": sorted(int(n) for n in os.listdir("/proc/self/fd")),
             "ppid": os.getppid()}
    path = os.path.join(folder, "births", str(os.getpid()))
    with open(path + ".new", "w") as f:
        json.dump(birth, f)
    os.rename(path + ".new", path + ".json")

    end_r, end_w = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.path.exists(folder + "/stubborn") or os.write(end_w, b"T"))
    lifeline = int(environ["SOCKETHUB_LIFELINE_FD"])
    os.write(lifeline, b"R")
    listener = None
    if "SOCKETHUB_LISTEN_FD" in environ:
        listener = socket.socket(fileno=int(environ["SOCKETHUB_LISTEN_FD"]))
    while True:
        ready = select.select([end_r, lifeline] + ([listener] if listener else []), [], [])[0]
        if end_r in ready or (lifeline in ready and not os.read(lifeline, 1)):
            sys.exit(0)
        if listener in ready:
            try:
                peer, _ = listener.accept()
            except BlockingIOError:
                continue
            peer.settimeout(5)
            with peer:
                peer.recv(65536)
                body = str(os.getpid()).encode()
                peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


main()
