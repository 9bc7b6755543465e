# shellcheck shell=sh disable=SC2034  # who sources this uses the variables
# What install and uninstall share. They set DRY_RUN and YES; DESTDIR stages files elsewhere.

# Where everything lies; the units say the same.
APP=/opt/jetbrush
ETC=/etc/jetbrush
STATE=/var/lib/jetbrush
UNITS_DIR=/etc/systemd/system
USERS="jetbrush jetbrush-ngrok"
UNITS="jetbrush.target jetbrush.service jetbrush-ngrok.service jetbrush-clocks.service"

DESTDIR=${DESTDIR:-}
DRY_RUN=${DRY_RUN:-}
YES=${YES:-}

say() {
    printf '%s\n' "$*"
}

step() {
    printf '\n== %s\n' "$*"
}

refuse() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Shows the command, then runs it, unless this is a dry run.
run() {
    printf '   + %s\n' "$*"
    [ -n "$DRY_RUN" ] || "$@"
}

# Whether somebody sits at the terminal and may be asked.
asking() {
    [ -z "$YES$DRY_RUN" ] && [ -t 0 ]
}

# ask QUESTION: whether the answer is yes, as it is where nobody can be asked but --yes was given.
ask() {
    [ -z "$YES" ] || return 0
    asking || return 1
    printf '%s [y/N] ' "$1"
    read -r answer || return 1
    case $answer in [yY]*) return 0 ;; esac
    return 1
}

# Files alone are staged under DESTDIR; the machine's users and services are left alone then.
staging() {
    [ -n "$DESTDIR" ]
}

need_root() {
    [ -n "$DRY_RUN" ] || staging || [ "$(id -u)" = 0 ] ||
        refuse "this needs root: run it with sudo (or look at what it would do with --dry-run)."
    staging || [ -n "$DRY_RUN" ] || command -v systemctl >/dev/null ||
        refuse "there is no systemd here. Start the bot by hand: .venv/bin/python -m bot"
}

# The owner's own drop-ins stay; ours may be of another version or for another systemd.
remove_drop_ins() {
    for file in "$DESTDIR$UNITS_DIR/$1.d"/jetbrush-*.conf; do
        if [ -e "$file" ]; then run rm -f "$file"; fi
    done
}

systemd_version() {
    systemctl --version 2>/dev/null | awk 'NR == 1 { print $2 + 0 }'
}
