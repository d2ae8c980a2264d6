#!/bin/bash
# SPDX-License-Identifier: MIT
# stop.sh DIR : stop what start.sh started there, by the pids in DIR/pid (one a
# line).  TERM, up to 10 s of grace, then KILL.  Idempotent.
set -u
DIR=${1:?usage: stop.sh DIR}
[ -s "$DIR/pid" ] || exit 0
mapfile -t pids < <(tr -s ' \n' '\n\n' <"$DIR/pid" | grep -E '^[0-9]+$')
alive() { # a zombie counts as gone (its parent may be slow to reap it)
    local s; s=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 1
    [ -n "$s" ] && [ "$s" != Z ]
}
for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null; done
for ((i = 0; i < 200; i++)); do
    left=0
    for p in "${pids[@]}"; do alive "$p" && left=1; done
    [ $left = 0 ] && break
    sleep 0.05
done
for p in "${pids[@]}"; do alive "$p" && kill -KILL "$p" 2>/dev/null; done
rm -f "$DIR/pid"
exit 0
