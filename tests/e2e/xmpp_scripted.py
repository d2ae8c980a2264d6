# SPDX-License-Identifier: MIT
"""xmpp_scripted - a server that does what no Prosody would: it lets everybody in, and plays what the test says."""

import base64
import contextlib
import os
import re
import socket
import ssl
import threading

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='x' "
          "from='localhost' version='1.0'>")


class Connection:
    def __init__(self, tls):
        self.tls, self.text = tls, ""

    def send(self, text):
        self.tls.sendall(text.encode())

    def expect(self, pattern):
        """Reads until the pattern is there; what follows it is kept."""
        while not (found := re.search(pattern, self.text)):
            more = self.tls.recv(65536)
            if not more:
                raise EOFError("the stream has ended")
            self.text += more.decode()
        self.text = self.text[found.end():]
        return found

    def log_in(self):
        """RFC 6120 as far as a client needs it; the JID."""
        self.expect(r"<stream:stream[^>]*>")
        self.send(HEADER + "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
                  "</mechanisms></stream:features>")
        words = base64.b64decode(self.expect(r"<auth[^>]*>([^<]*)</auth>").group(1)).split(b"\0")
        self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        self.expect(r"<stream:stream[^>]*>")
        self.send(HEADER + "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>")
        bind = self.expect(r"<iq[^>]*\bid=['\"]([^'\"]*)['\"][^>]*>.*?</iq>").group(1)
        jid = words[1].decode() + "@localhost/page"
        self.send("<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s</jid></bind></iq>" % (
            bind, jid))
        return jid

    def ignore(self):
        """Reads on, until the client goes."""
        while self.tls.recv(65536):
            pass


class Scripted:
    """Direct TLS on `port`, with the certificate of one of tests/servers in `dir`. play(connection) runs in a thread of
    the connection's, which ends with it, and begins with connection.log_in()."""

    def __init__(self, test, dir_, play):
        self.play = play
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(dir_, "cert.pem"), os.path.join(dir_, "key.pem"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.open, self.closed, self.lock = set(), False, threading.Lock()
        test.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            tls = self.context.wrap_socket(raw, server_side=True)
        except OSError:
            return
        with self.lock:
            self.open.add(tls)
            if self.closed:
                tls.close()
        try:
            self.play(Connection(tls))
        except (OSError, EOFError):
            pass  # the client went
        finally:
            with self.lock:
                self.open.discard(tls)
                tls.close()

    def close(self):
        """Ends every stream: its thread may be in the midst of sending."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            self.closed = True
            for tls in self.open:
                with socket.socket(fileno=os.dup(tls.fileno())) as plain, contextlib.suppress(OSError):
                    plain.shutdown(socket.SHUT_RDWR)

    def credentials(self, jid):
        return {"objectType": "credentials", "username": jid, "password": "secret", "server": "127.0.0.1", "port": self.port,
                "tls": True}
