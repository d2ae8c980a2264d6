# SPDX-License-Identifier: MIT
"""fcgi - a FastCGI client (FastCGI 1.0): says to a responder's socket what a web server would say.

    reply = fcgi.request(path, "POST", "/sockethub", body, {"Content-Type": "application/json"})
    fcgi.Call(path, ...) leaves the answer unread, to park or to abandon it."""

import socket
import struct

import lib

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6


def record(kind, content=b""):
    """One request's records of a type, ended by an empty one where the type is a stream."""
    out = b""
    for at in range(0, len(content), 65535):
        part = content[at:at + 65535]
        out += struct.pack(">BBHHBB", 1, kind, 1, len(part), 0, 0) + part
    return out + struct.pack(">BBHHBB", 1, kind, 1, 0, 0, 0) if kind in (PARAMS, STDIN) else out


def pair(name, value):
    def length(n):
        return struct.pack(">B", n) if n < 128 else struct.pack(">I", n | 1 << 31)
    name, value = name.encode("latin-1"), value.encode("latin-1")
    return length(len(name)) + length(len(value)) + name + value


class Call:
    def __init__(self, path, method, target, body=b"", headers=None, timeout=70):
        variables = {"REQUEST_METHOD": method, "REQUEST_URI": target, "QUERY_STRING": target.partition("?")[2],
                     "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(len(body)) if body else ""}
        for name, value in (headers or {}).items():
            name = name.upper().replace("-", "_")
            variables[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + name] = value
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.bytes = b""
        self.ended = False
        self.sock.sendall(record(BEGIN, struct.pack(">HB5x", 1, 0)) +
                          record(PARAMS, b"".join(pair(n, v) for n, v in variables.items())))
        try:
            self.sock.sendall(record(STDIN, body))
        except ConnectionError:
            pass  # refused before it was read: the answer is there

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise ConnectionError("the responder hung up")
            data += more
        return data

    def more(self):
        """Reads one record; False behind the last."""
        if self.ended:
            return False
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", self._exactly(8))
        content = self._exactly(length + padding)[:length]
        self.ended = kind == END
        if kind == STDOUT:
            self.bytes += content
        return not self.ended

    def reply(self):
        while self.more():
            pass
        self.close()
        head, _, body = self.bytes.partition(b"\r\n\r\n")
        headers = {}
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return lib.Reply(int(headers.pop("status", "200")[:3]), headers, body)

    def close(self):
        self.sock.close()


def request(path, *args, **how):
    return Call(path, *args, **how).reply()
