# SPDX-License-Identifier: MIT
# Sourced by every start.sh.  bash only; needs coreutils, plus openssl for mkcert.
# Contract of every start.sh:
#   start.sh DIR PORT [..]   DIR is created; all state goes under it; only
#                            127.0.0.1 is bound; PORT (and the next few where
#                            the script says so) must be free.
#   on success: exit 0, DIR/pid holds the pid(s) to stop, DIR/env holds
#   NAME=value lines for the tests (also printed on stdout).
#   on failure: exit 1, the tail of the log on stderr, nothing left running.
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
SERVERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 2 ] || { echo "usage: $(basename "$HERE")/start.sh DIR PORT" >&2; exit 2; }
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
PORT=$2
export PATH="$PATH:/usr/sbin:/sbin"
ulimit -c 0   # inspircd 3.15 crashes while it exits: no core files please
LOG=$DIR/log
: >"$DIR/env"
OLDPID=$(cat "$DIR/pid" 2>/dev/null || true) # another one running here is not ours to stop

die() {
    echo "$(basename "$HERE"): $*" >&2
    [ -s "$LOG" ] && tail -n 20 "$LOG" >&2
    [ "$(cat "$DIR/pid" 2>/dev/null)" != "$OLDPID" ] && bash "$SERVERS/stop.sh" "$DIR" >&2
    exit 1
}
need() { local c; for c in "$@"; do command -v "$c" >/dev/null || die "needs $c"; done; }
setenv() { printf '%s=%s\n' "$1" "$2" >>"$DIR/env"; }
# listening PORT -> 0 when something accepts on 127.0.0.1:PORT
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() { local p; for p in "$@"; do ! listening "$p" || die "port $p is taken"; done; }
# greets PORT PATTERN -> 0 when the first line sent by the peer matches (glob)
greets() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
        IFS= read -r -t 2 line <&3 || exit 1
        # shellcheck disable=SC2254
        case $line in $2) exit 0 ;; *) exit 1 ;; esac
    ) 2>/dev/null
}
# wait_for SECONDS COMMAND.. : poll every 50 ms; fails if the pid in DIR/pid died
wait_for() {
    local n=$(($1 * 20)); shift
    while ! "$@" >/dev/null 2>&1; do
        n=$((n - 1))
        [ $n -gt 0 ] || return 1
        sleep 0.05
    done
}
# mkcert: ca.pem (trust anchor) + cert.pem/key.pem for localhost and 127.0.0.1
mkcert() {
    need openssl
    [ -s "$DIR/cert.pem" ] && return 0
    local san=DNS:localhost,DNS:conference.localhost,DNS:irc.localhost,IP:127.0.0.1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj "/CN=test CA" -addext basicConstraints=critical,CA:TRUE \
        -keyout "$DIR/ca.key" -out "$DIR/ca.pem" 2>/dev/null || die "openssl ca"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
        -keyout "$DIR/key.pem" -out "$DIR/req.pem" 2>/dev/null || die "openssl req"
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$san" >"$DIR/ext"
    openssl x509 -req -in "$DIR/req.pem" -CA "$DIR/ca.pem" -CAkey "$DIR/ca.key" \
        -CAcreateserial -days 30 -extfile "$DIR/ext" -out "$DIR/cert.pem" 2>/dev/null || die "openssl x509"
    rm -f "$DIR/req.pem" "$DIR/ext" "$DIR/ca.srl"
    chmod 644 "$DIR/cert.pem" "$DIR/ca.pem"
}
done_ok() { cat "$DIR/env"; exit 0; }
