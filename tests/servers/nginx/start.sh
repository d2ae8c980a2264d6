#!/bin/bash
# SPDX-License-Identifier: MIT
# httpd-conf/nginx.conf with the values of a test, in front of a running gateway.
#   start.sh DIR PORT FCGI_SOCK [HOST:PORT of the gateway's own HTTP [tls]]      Package: nginx-light
. "$(dirname "$0")/../common.sh"
. "$SERVERS/adapt.sh"
need nginx
FCGI=${3:?third argument: path of the FastCGI unix socket}
HTTP=${4:-127.0.0.1:1}
TLS=${5:-}
[ -z "$TLS" ] || mkcert
free_port "$PORT"
mkdir -p "$DIR/htdocs" "$DIR/temp"
[ -e "$DIR/htdocs/index.html" ] || echo static >"$DIR/htdocs/index.html"
adapt_marked "$CONF/nginx.conf" "$DIR/nginx.conf" \
    user "$(id -un)" pid "$DIR/pid" log "$LOG" access_log off port "127.0.0.1:$PORT" docroot "$DIR/htdocs" \
    fastcgi "unix:$FCGI" http "$HTTP" body_temp "$DIR/temp/body" fastcgi_temp "$DIR/temp/fastcgi" \
    proxy_temp "$DIR/temp/proxy" uwsgi_temp "$DIR/temp/uwsgi" scgi_temp "$DIR/temp/scgi"
if [ -n "$TLS" ]; then
    uncomment "$DIR/nginx.conf" '# SET tls_[a-z]+'
    sed -i '/# SET port$/d' "$DIR/nginx.conf"
    mv "$DIR/nginx.conf" "$DIR/tls.conf"
    adapt_marked "$DIR/tls.conf" "$DIR/nginx.conf" \
        tls_port "127.0.0.1:$PORT" tls_cert "$DIR/cert.pem" tls_key "$DIR/key.pem"
fi
nginx -t -q -e "$LOG" -c "$DIR/nginx.conf" || die "config"
nginx -e "$LOG" -c "$DIR/nginx.conf" || die "did not start"
wait_for 10 listening "$PORT" || die "not ready"
setenv HTTP_URL "http${TLS:+s}://127.0.0.1:$PORT"
done_ok
