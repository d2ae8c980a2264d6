# SPDX-License-Identifier: MIT
"""wsclient - a WebSocket client that does exactly what it is told, also what RFC 6455 forbids.

    with wsclient.connect(port) as ws:                  # or connect(port, path=..., tls=context, headers={...})
        ws.send({"rid": 1, ...})                        # one text frame
        ws.recv()                                       # the next text frame, parsed
        ws.frame(wsclient.TEXT, b"half", fin=False)     # any frame, whole or broken
        ws.closing()                                    # (code, reason) of the closing handshake; None: just gone

Standard library only."""

import base64
import hashlib
import json
import os
import socket
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The handshake got another answer: .status, .headers (names in lower case), .body"""

    def __init__(self, status, headers, body):
        super().__init__("%d %r" % (status, body))
        self.status, self.headers, self.body = status, headers, body


def mask(data, key):
    n = len(data)
    if n == 0:
        return b""
    wide = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^ int.from_bytes(wide, "big")).to_bytes(n, "big")


def frame(opcode, payload=b"", fin=True, masked=True, rsv=0, length=None):
    """The bytes of one frame. `length` replaces the true one in the head."""
    length = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def handshake(port, path="/sockethub", headers=None, key=None):
    """The bytes of a good opening request; headers given replace, None leaves one out."""
    lines = {"Host": "127.0.0.1:%d" % port, "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
             "Sec-WebSocket-Protocol": "sockethub"}
    lines.update(headers or {})
    return ("GET %s HTTP/1.1\r\n" % path
            + "".join("%s: %s\r\n" % (k, v) for k, v in lines.items() if v is not None) + "\r\n").encode()


class Socket:
    def __init__(self, sock, early=b"", timeout=20):
        self.sock, self.buffer = sock, early
        self.sock.settimeout(timeout)
        self.headers = {}
        self.pings = 0
        self.auto_pong = True

    # --- the handshake ---

    def open(self, request, key=None):
        self.sock.sendall(request)
        while b"\r\n\r\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("closed during the handshake: %r" % self.buffer)
            self.buffer += more
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        if status != 101:
            length = int(self.headers.get("content-length", "0"))
            while len(self.buffer) < length:
                self.buffer += self.sock.recv(65536)
            self.close()
            raise Refused(status, self.headers, self.buffer)
        if key is not None:
            want = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
            if self.headers.get("sec-websocket-accept") != want:
                raise AssertionError("wrong accept: %r" % self.headers)

    # --- sending ---

    def raw(self, data):
        self.sock.sendall(data)

    def frame(self, opcode, payload=b"", **how):
        self.raw(frame(opcode, payload, **how))

    def send(self, value):
        """A text frame: str and bytes as they are, all else as JSON."""
        if not isinstance(value, (str, bytes)):
            value = json.dumps(value)
        self.frame(TEXT, value.encode() if isinstance(value, str) else value)

    # --- receiving ---

    def _need(self, n):
        while len(self.buffer) < n:
            more = self.sock.recv(1 << 20)
            if not more:
                raise ConnectionError("closed by the server")
            self.buffer += more

    def next_frame(self, timeout=None):
        """(opcode, payload, fin) of the next frame, whatever it is."""
        if timeout is not None:
            self.sock.settimeout(timeout)
        self._need(2)
        first, second = self.buffer[0], self.buffer[1]
        if second & 0x80 or first & 0x70:
            raise AssertionError("a server's frame with mask or reserved bits: %r" % self.buffer[:2])
        at, length = 2, second & 0x7f
        if length == 126:
            self._need(4)
            at, length = 4, struct.unpack(">H", self.buffer[2:4])[0]
        elif length == 127:
            self._need(10)
            at, length = 10, struct.unpack(">Q", self.buffer[2:10])[0]
        self._need(at + length)
        payload, self.buffer = self.buffer[at:at + length], self.buffer[at + length:]
        return first & 15, payload, bool(first & 0x80)

    def recv_text(self, timeout=None):
        """The next text frame as str; pings are answered. Every text message has to be one frame."""
        while True:
            opcode, payload, fin = self.next_frame(timeout)
            if opcode == PING:
                self.pings += 1
                if self.auto_pong:
                    self.frame(PONG, payload)
            elif opcode == CLOSE:
                raise ConnectionError("close frame %r" % payload)
            elif opcode != PONG:
                if opcode != TEXT or not fin:
                    raise AssertionError("not a whole text frame: %d %r" % (opcode, payload[:80]))
                return payload.decode()

    def recv(self, timeout=None):
        return json.loads(self.recv_text(timeout))

    def recv_until(self, done, timeout=20):
        """All messages up to the first for which done(message) is true."""
        found = []
        while not found or not done(found[-1]):
            found.append(self.recv(timeout))
        return found

    def closing(self, timeout=20):
        """(code, reason) of the server's close frame, which is answered; code 1005 for an empty one; None when the
        connection ends without. Data that still comes is dropped."""
        try:
            while True:
                opcode, payload, _ = self.next_frame(timeout)
                if opcode == CLOSE:
                    break
        except ConnectionError:
            return None
        try:
            self.frame(CLOSE, payload[:2])
            self.sock.settimeout(timeout)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        return (struct.unpack(">H", payload[:2])[0], payload[2:].decode()) if payload else (1005, "")

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def connect(port, path="/sockethub", headers=None, tls=None, early=b"", timeout=20, host="localhost", receive_bytes=None):
    """A Socket after its handshake; Refused when the server does not want it. `early` follows the request at once;
    `receive_bytes` makes the kernel's buffer small."""
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(timeout)
    sock.connect(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is not None:
        sock = tls.wrap_socket(sock, server_hostname=host)
    ws = Socket(sock, timeout=timeout)
    key = base64.b64encode(os.urandom(16)).decode()
    try:
        ws.open(handshake(port, path, headers, key) + early, key)
    except BaseException:
        ws.close()
        raise
    return ws
