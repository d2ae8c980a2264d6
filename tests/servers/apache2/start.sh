#!/bin/bash
# SPDX-License-Identifier: MIT
# httpd-conf/apache.conf with the values of a test, in front of a running gateway.
#   start.sh DIR PORT FCGI_SOCK [HOST:PORT of the gateway's own HTTP [tls]]      Package: apache2
# Started by root, Apache serves as www-data: DIR and the socket have to be reachable for it.
. "$(dirname "$0")/../common.sh"
. "$SERVERS/adapt.sh"
need apache2
FCGI=${3:?third argument: path of the FastCGI unix socket}
HTTP=${4:-127.0.0.1:1}
TLS=${5:-}
[ -z "$TLS" ] || mkcert
free_port "$PORT"
mkdir -p "$DIR/htdocs"
[ -e "$DIR/htdocs/index.html" ] || echo static >"$DIR/htdocs/index.html"
chmod 755 "$DIR" "$DIR/htdocs"
[ "$(id -u)" != 0 ] || [ ! -S "$FCGI" ] || chmod 666 "$FCGI"
adapt "$CONF/apache.conf" "$DIR/apache.conf" \
    PORT "127.0.0.1:$PORT" DOCROOT "$DIR/htdocs" FASTCGI "$FCGI" HTTP "$HTTP" RUN_DIR "$DIR" LOG "$LOG" \
    TLS_CERT "$DIR/cert.pem" TLS_KEY "$DIR/key.pem"
[ -z "$TLS" ] || uncomment "$DIR/apache.conf" 'Define TLS'
apache2 -t -f "$DIR/apache.conf" >"$DIR/out" 2>&1 || { cat "$DIR/out" >&2; die "config"; }
apache2 -f "$DIR/apache.conf" -k start >>"$DIR/out" 2>&1 || die "did not start"
wait_for 10 listening "$PORT" || die "not ready"
wait_for 10 test -s "$DIR/apache2.pid" || die "no pid file"
cp "$DIR/apache2.pid" "$DIR/pid"
setenv HTTP_URL "http${TLS:+s}://127.0.0.1:$PORT"
done_ok
