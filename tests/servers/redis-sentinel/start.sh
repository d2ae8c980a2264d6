#!/bin/bash
# SPDX-License-Identifier: MIT
# One master (PORT), one replica (PORT+1), three sentinels (PORT+2..PORT+4),
# quorum 2, master name "test".  Packages: redis-server redis-sentinel redis-tools
. "$(dirname "$0")/../common.sh"
need redis-server redis-cli
free_port "$PORT" $((PORT + 1)) $((PORT + 2)) $((PORT + 3)) $((PORT + 4))
: >"$DIR/pid"
node() { # PORT extra..
    local p=$1; shift
    mkdir -p "$DIR/$p"
    printf '%s\n' "bind 127.0.0.1" "port $p" "dir $DIR/$p" "daemonize yes" \
        "pidfile $DIR/$p/pid" "logfile $DIR/$p/log" "$@" >"$DIR/$p/redis.conf"
}
node "$PORT" 'save ""' "repl-diskless-sync-delay 0"
node $((PORT + 1)) 'save ""' "replicaof 127.0.0.1 $PORT"
redis-server "$DIR/$PORT/redis.conf"
redis-server "$DIR/$((PORT + 1))/redis.conf"
for i in 2 3 4; do
    p=$((PORT + i))
    node $p "sentinel monitor test 127.0.0.1 $PORT 2" "sentinel down-after-milliseconds test 1000" \
        "sentinel failover-timeout test 5000" "sentinel parallel-syncs test 1"
    redis-server "$DIR/$p/redis.conf" --sentinel
done
ready() {
    local i
    for i in 2 3 4; do
        redis-cli -p $((PORT + i)) info sentinel | grep -q 'slaves=1,sentinels=3' || return 1
    done
}
wait_for 30 ready || die "sentinels did not agree"
for i in 0 1 2 3 4; do cat "$DIR/$((PORT + i))/pid" >>"$DIR/pid"; done
setenv REDIS_PORT "$PORT"
setenv SENTINEL_PORT $((PORT + 2))
setenv SENTINEL_NAME test
done_ok
