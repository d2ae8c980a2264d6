#!/bin/bash
# SPDX-License-Identifier: MIT
# redis 7.0: TCP + unix socket, no persistence.  Packages: redis-server redis-tools
# Extra redis.conf lines come from $REDIS_EXTRA (a file name), e.g. aclfile.
. "$(dirname "$0")/../common.sh"
need redis-server redis-cli
free_port "$PORT"
cat >"$DIR/redis.conf" <<CONF
bind 127.0.0.1
port $PORT
unixsocket $DIR/redis.sock
unixsocketperm 700
dir $DIR
daemonize yes
pidfile $DIR/pid
logfile $LOG
save ""
appendonly no
databases 4
CONF
[ -z "${REDIS_EXTRA:-}" ] || cat "$REDIS_EXTRA" >>"$DIR/redis.conf"
redis-server "$DIR/redis.conf" || die "did not start"
pong() { redis-cli -s "$DIR/redis.sock" ping | grep -Eq 'PONG|NOAUTH'; }
wait_for 10 pong || die "not ready"
setenv REDIS_PORT "$PORT"
setenv REDIS_SOCK "$DIR/redis.sock"
done_ok
