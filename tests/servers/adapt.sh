# SPDX-License-Identifier: MIT
# Sourced behind common.sh by the web servers' start.sh: makes a test's configuration from httpd-conf/, the very files
# that operators copy, by replacing values that are theirs to choose and nothing else.
CONF=$(cd "$SERVERS/../../httpd-conf" && pwd)

# adapt FROM TO NAME VALUE ..: copies a configuration of httpd-conf/ and replaces the values of its first block:
# `var.NAME = VALUE` (lighttpd) or `Define NAME VALUE` (Apache). Each name has to be there exactly once.
adapt() {
    local from=$1 to=$2; shift 2
    cp "$from" "$to"
    while [ $# -gt 0 ]; do
        [ "$(grep -cE "^(var\.$1 *=|Define $1 )" "$to")" = 1 ] || die "$from has no setting $1"
        sed -i -E "s|^(var\.$1 *= *).*|\1$2|; s|^(Define $1 ).*|\1$2|" "$to"
        shift 2
    done
}
# adapt_marked FROM TO NAME VALUE ..: the same for lines `directive VALUE ...; # SET NAME` (nginx).
adapt_marked() {
    local from=$1 to=$2; shift 2
    cp "$from" "$to"
    while [ $# -gt 0 ]; do
        [ "$(grep -c "; *# SET $1\$" "$to")" = 1 ] || die "$from has no line marked SET $1"
        sed -i -E "/# SET $1\$/ s|^([[:space:]]*[a-z_]+) [^ ;]+|\1 $2|" "$to"
        shift 2
    done
}
# uncomment FILE PATTERN: takes the mark off the commented lines that end like this, as an operator is told to.
uncomment() {
    grep -qE "^[[:space:]]*#.*$2\$" "$1" || die "$1 has no commented line $2"
    sed -i -E "s/^([[:space:]]*)#(.*$2)\$/\1\2/" "$1"
}
