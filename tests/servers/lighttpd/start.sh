#!/bin/bash
# SPDX-License-Identifier: MIT
# httpd-conf/lighttpd.conf with the values of a test, in front of a running gateway.
#   start.sh DIR PORT FCGI_SOCK [HOST:PORT of the gateway's own HTTP [tls]]      Package: lighttpd
. "$(dirname "$0")/../common.sh"
. "$SERVERS/adapt.sh"
need lighttpd
FCGI=${3:?third argument: path of the FastCGI unix socket}
HTTP=${4:-127.0.0.1:1}
TLS=${5:-}
[ -z "$TLS" ] || mkcert
free_port "$PORT"
mkdir -p "$DIR/htdocs" "$DIR/uploads"
[ -e "$DIR/htdocs/index.html" ] || echo static >"$DIR/htdocs/index.html"
# lighttpd will not become root: as root it keeps www-data out by having no user at all.
adapt "$CONF/lighttpd.conf" "$DIR/lighttpd.conf" \
    port "$PORT" bind '"127.0.0.1"' docroot "\"$DIR/htdocs\"" fastcgi "\"$FCGI\"" \
    http_host "\"${HTTP%:*}\"" http_port "${HTTP##*:}" user '""' group '""' \
    tls_cert "\"$DIR/cert.pem\"" tls_key "\"$DIR/key.pem\"" \
    pidfile "\"$DIR/pid\"" log "\"$LOG\"" uploads "\"$DIR/uploads\""
[ -z "$TLS" ] || uncomment "$DIR/lighttpd.conf" '# TLS'
lighttpd -tt -f "$DIR/lighttpd.conf" >"$DIR/out" 2>&1 || { cat "$DIR/out" >&2; die "config"; }
lighttpd -f "$DIR/lighttpd.conf" >>"$DIR/out" 2>&1 || die "did not start"
wait_for 10 listening "$PORT" || die "not ready"
setenv HTTP_URL "http${TLS:+s}://127.0.0.1:$PORT"
done_ok
