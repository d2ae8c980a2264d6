#!/bin/bash
# SPDX-License-Identifier: MIT
# Dovecot 2.3: IMAP and POP3, any user name with the password "secret"; maildirs in DIR/mail/<user>/Maildir. PORT imap
# (STARTTLS), PORT+1 imaps, PORT+2 pop3 (STLS), PORT+3 pop3s. Started by root, mail belongs to the user "mail": every parent
# of DIR has to be traversable for others (mktemp -d gives 0700). Packages: dovecot-imapd dovecot-pop3d
# $MAIL_USERS: maildirs to make; $MAIL_REQUIRE_TLS=yes: no login before STARTTLS; $DOVECOT_EXTRA: a file of extra lines.
. "$(dirname "$0")/../common.sh"
need dovecot
free_port "$PORT" $((PORT + 1)) $((PORT + 2)) $((PORT + 3))
mkcert
for u in ${MAIL_USERS:-alice bob carol}; do mkdir -p "$DIR/mail/$u/Maildir/"{cur,new,tmp}; done
if [ "$(id -u)" = 0 ]; then
    owner=mail group=mail ids=""
    chown -R mail:mail "$DIR/mail"
    chmod 755 "$DIR"
else
    owner=$(id -un) group=$(id -gn)
    ids="default_internal_user = $owner
default_internal_group = $group
default_login_user = $owner"
fi
cat >"$DIR/dovecot.conf" <<CONF
base_dir = $DIR/run
state_dir = $DIR/run
log_path = $LOG
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <$DIR/cert.pem
ssl_key = <$DIR/key.pem
disable_plaintext_auth = ${MAIL_REQUIRE_TLS:-no}
auth_mechanisms = plain login
first_valid_uid = 1
mail_max_userip_connections = 1000
mailbox_idle_check_interval = 1s
default_client_limit = 2000
default_process_limit = 200
mail_location = maildir:~/Maildir
$ids
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=$owner gid=$group home=$DIR/mail/%n
}
namespace inbox {
  inbox = yes
  mailbox Drafts {
    special_use = \Drafts
    auto = create
  }
  mailbox Sent {
    special_use = \Sent
    auto = create
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $PORT
  }
  inet_listener imaps {
    port = $((PORT + 1))
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = $((PORT + 2))
  }
  inet_listener pop3s {
    port = $((PORT + 3))
    ssl = yes
  }
}
# A wrong password is refused at once, and does not make the next login wait.
auth_failure_delay = 0
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
CONF
[ -z "${DOVECOT_EXTRA:-}" ] || cat "$DOVECOT_EXTRA" >>"$DIR/dovecot.conf"
dovecot -c "$DIR/dovecot.conf" -F >"$DIR/out" 2>&1 </dev/null &
echo $! >"$DIR/pid"
ready() { greets "$PORT" "* OK*" && greets $((PORT + 2)) "+OK*"; }
wait_for 10 ready || { cat "$DIR/out" >&2; die "not ready"; }
setenv IMAP_PORT "$PORT"
setenv IMAPS_PORT $((PORT + 1))
setenv POP3_PORT $((PORT + 2))
setenv POP3S_PORT $((PORT + 3))
setenv MAIL_ROOT "$DIR/mail"
setenv MAIL_CA "$DIR/ca.pem"
done_ok
