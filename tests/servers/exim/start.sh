#!/bin/bash
# SPDX-License-Identifier: MIT
# Exim 4.96 as a loopback SMTP server.  PORT: SMTP with STARTTLS and AUTH PLAIN/LOGIN
# (any user name, password "secret"; AUTH is offered only after STARTTLS unless
# $SMTP_PLAIN_AUTH=1; MAIL FROM without AUTH is refused unless $SMTP_OPEN=1).
# PORT+1: implicit TLS.  Mail for <user>@localhost goes to the maildir
# MAILROOT/<user>/Maildir for the users in $MAIL_USERS (alice bob carol), user+tag
# too; "full@localhost" answers 452, "bounce@localhost" and all else 550.
#   start.sh DIR PORT [MAILROOT]     MAILROOT: $MAIL_ROOT of the dovecot peer, so
#   that what is sent can be fetched.  Works as root and unprivileged.
# Package: exim4-daemon-light (conflicts with every other MTA package)
. "$(dirname "$0")/../common.sh"
need exim4
MAILROOT=${3:-$DIR/mail}
free_port "$PORT" $((PORT + 1))
mkcert
mkdir -p "$DIR/spool" "$DIR/logs" "$MAILROOT"
# Debian's exim is setuid root, but gives its privilege up when -C names a
# configuration of one's own; so all of it runs as one plain user: "mail" (the
# owner the dovecot peer uses) when started by root, else whoever runs this.
if [ "$(id -u)" = 0 ]; then
    owner=mail group=mail
    as="setpriv --reuid=mail --regid=mail --clear-groups"
    chmod 755 "$DIR"
    chown -R mail:mail "$DIR/spool" "$DIR/logs" "$DIR/key.pem"
    chown mail:mail "$MAILROOT"
else
    owner=$(id -un) group=$(id -gn) as=""
fi
adv='${if def:tls_in_cipher {*}}'
[ "${SMTP_PLAIN_AUTH:-0}" = 1 ] && adv='*'
adv_cond='${if def:tls_in_cipher}'
[ "${SMTP_PLAIN_AUTH:-0}" = 1 ] && adv_cond=true
open='deny !authenticated = *
       message = 530 authentication required'
[ "${SMTP_OPEN:-0}" = 1 ] && open=""
# exim 4.94+ refuses a path made of what the client sent ("tainted"); the value
# found by a lookup ($local_part_data) is clean.
for u in ${MAIL_USERS:-alice bob carol}; do echo "$u: $u"; done >"$DIR/users"
cat >"$DIR/exim.conf" <<CONF
exim_user = $owner
exim_group = $group
deliver_drop_privilege = true
primary_hostname = localhost
domainlist local_domains = localhost : localhost.localdomain
spool_directory = $DIR/spool
log_file_path = $DIR/logs/%slog
pid_file_path = $DIR/spool/exim.pid
daemon_smtp_ports = $PORT : $((PORT + 1))
tls_on_connect_ports = $((PORT + 1))
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = $DIR/cert.pem
tls_privatekey = $DIR/key.pem
auth_advertise_hosts = $adv
rfc1413_query_timeout = 0s
host_lookup =
smtp_accept_max = 200
smtp_accept_max_per_connection = 10000
smtp_accept_queue_per_connection = 0
smtp_enforce_sync = true
message_size_limit = 20M
queue_run_in_order = false
notifier_socket =
keep_environment =
dns_csa_search_limit = 0
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
add_environment = PATH=/usr/bin:/bin

begin acl
acl_mail:
  $open
  accept
acl_rcpt:
  deny  local_parts = bounce
        message = 550 5.1.1 no such user
  defer local_parts = full
        message = 452 4.2.2 mailbox full
  accept domains = +local_domains
         verify = recipient
  deny  message = 550 5.7.1 relay not permitted

begin routers
local:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;$DIR/users
  local_part_suffix = +*
  local_part_suffix_optional
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = $MAILROOT/\$local_part_data/Maildir
  create_directory
  create_file = anywhere
  directory_mode = 0700
  maildir_format
  envelope_to_add
  return_path_add
  delivery_date_add
  user = $owner
  group = $group

begin retry
* * F,1h,5s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = $adv_cond
  server_prompts = :
  server_condition = \${if eq{\$auth3}{secret}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_advertise_condition = $adv_cond
  server_prompts = Username:: : Password::
  server_condition = \${if eq{\$auth2}{secret}}
  server_set_id = \$auth1
CONF
$as exim4 -C "$DIR/exim.conf" -bdf -q1m >"$LOG" 2>&1 </dev/null &
echo $! >"$DIR/pid"
wait_for 10 greets "$PORT" "220*" || { cat "$DIR"/logs/* >&2; die "not ready"; }
setenv SMTP_PORT "$PORT"
setenv SMTPS_PORT $((PORT + 1))
setenv SMTP_CA "$DIR/ca.pem"
setenv MAIL_ROOT "$MAILROOT"
done_ok
