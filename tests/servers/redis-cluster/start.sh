#!/bin/bash
# SPDX-License-Identifier: MIT
# Three masters, no replicas, on PORT..PORT+2; bus ports PORT+3..PORT+5.
# Packages: redis-server redis-tools
. "$(dirname "$0")/../common.sh"
need redis-server redis-cli
free_port "$PORT" $((PORT + 1)) $((PORT + 2)) $((PORT + 3)) $((PORT + 4)) $((PORT + 5))
rm -rf "$DIR"/node*
: >"$DIR/pid"
for i in 0 1 2; do
    d=$DIR/node$i; mkdir -p "$d"
    printf '%s\n' "bind 127.0.0.1" "port $((PORT + i))" "cluster-port $((PORT + 3 + i))" \
        "cluster-enabled yes" "cluster-node-timeout 2000" "dir $d" "daemonize yes" \
        "pidfile $d/pid" "logfile $d/log" 'save ""' >"$d/redis.conf"
    redis-server "$d/redis.conf" || die "node $i"
done
up() { local i; for i in 0 1 2; do redis-cli -p $((PORT + i)) ping | grep -q PONG || return 1; done; }
wait_for 10 up || die "nodes not up"
for i in 0 1 2; do cat "$DIR/node$i/pid" >>"$DIR/pid"; done
redis-cli --cluster create "127.0.0.1:$PORT" "127.0.0.1:$((PORT + 1))" "127.0.0.1:$((PORT + 2))" \
    --cluster-yes >"$LOG" 2>&1 || die "cluster create"
ready() {
    local i
    for i in 0 1 2; do
        redis-cli -p $((PORT + i)) cluster info | grep -q cluster_state:ok || return 1
        redis-cli -p $((PORT + i)) cluster info | grep -q cluster_known_nodes:3 || return 1
    done
}
wait_for 20 ready || die "cluster not ok"
setenv REDIS_CLUSTER_PORTS "$PORT,$((PORT + 1)),$((PORT + 2))"
done_ok
