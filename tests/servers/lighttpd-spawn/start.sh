#!/bin/bash
# SPDX-License-Identifier: MIT
# httpd-conf/lighttpd-spawn.conf with the values of a test: lighttpd starts the gateway.
#   start.sh DIR PORT GATEWAY CONFIG      (absolute paths)      Package: lighttpd
. "$(dirname "$0")/../common.sh"
. "$SERVERS/adapt.sh"
need lighttpd
GATEWAY=${3:?third argument: path of sockethub-gateway}
CONFIG=${4:?fourth argument: path of sockethub.json}
free_port "$PORT"
mkdir -p "$DIR/htdocs" "$DIR/uploads"
[ -e "$DIR/htdocs/index.html" ] || echo static >"$DIR/htdocs/index.html"
adapt "$CONF/lighttpd-spawn.conf" "$DIR/lighttpd.conf" \
    port "$PORT" bind '"127.0.0.1"' docroot "\"$DIR/htdocs\"" gateway "\"$GATEWAY\"" \
    config "\"$CONFIG\"" fastcgi "\"$DIR/fastcgi.sock\"" user '""' group '""' \
    pidfile "\"$DIR/pid\"" log "\"$LOG\"" gateway_log "\"$DIR/gateway.log\"" uploads "\"$DIR/uploads\""
lighttpd -tt -f "$DIR/lighttpd.conf" >"$DIR/out" 2>&1 || { cat "$DIR/out" >&2; die "config"; }
lighttpd -f "$DIR/lighttpd.conf" >>"$DIR/out" 2>&1 || die "did not start"
wait_for 10 listening "$PORT" || die "not ready"
setenv HTTP_URL "http://127.0.0.1:$PORT"
setenv GATEWAY_LOG "$DIR/gateway.log"
done_ok
