# shellcheck shell=sh disable=SC2034  # the scripts that source this use the variables
# The part that install and uninstall share: paths, messages, questions, checks. They set DRY_RUN
# and YES; with DESTDIR the files go to a staging folder.

# The installed paths, as in the units.
APP=/opt/jetbrush
RELEASES=/opt/jetbrush-releases
ETC=/etc/jetbrush
STATE=/var/lib/jetbrush
UNITS_DIR=/etc/systemd/system
LOG=/var/log/jetbrush-install.log
USERS="jetbrush jetbrush-ngrok jetbrush-nats"
UNITS="jetbrush.target jetbrush.service jetbrush-ngrok.service jetbrush-clocks.service \
jetbrush-engines.service jetbrush-nats.service jetbrush-painter.service"

# NVIDIA's driver on a PC; the tests set another.
NVIDIA_DRIVER=${NVIDIA_DRIVER:-/proc/driver/nvidia/version}
DESTDIR=${DESTDIR:-}
DRY_RUN=${DRY_RUN:-}
YES=${YES:-}

# A lost connection must not end a script in the middle: its messages have no reader then.
say() {
    printf '%s\n' "$*" || true
}

step() {
    printf '\n== %s\n' "$*" || true
}

# sudo keeps the user's umask; with a strict one the bot could not read its own files.
prepare_shell() {
    umask 022
    trap '' HUP
}

# Writes what the script and its children say into $LOG as well. A child that writes to a terminal
# that is gone fails; tee then writes to the log alone.
keep_output() {
    if staging || [ -n "$DRY_RUN" ] || ! [ -t 1 ]; then return; fi
    folder=$(mktemp -d)
    mkfifo "$folder/said"
    tee -i -a "$LOG" <"$folder/said" &
    writer=$!
    exec >"$folder/said" 2>&1
    rm -r "$folder"
    # The last lines come before the shell's prompt.
    trap 'exec >&- 2>&-; wait "$writer" || true' EXIT
}

refuse() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# run COMMAND...: prints the command and runs it, but not in a dry run.
run() {
    printf '   + %s\n' "$*" || true
    [ -n "$DRY_RUN" ] || "$@"
}

# write_settings FILE COMMAND: writes what COMMAND prints into FILE, whole or not at all. The umask
# keeps secrets unreadable while they are written too.
write_settings() {
    (umask 077 && "$2" >"$1.part")
    chmod 640 "$1.part"
    mv "$1.part" "$1"
}

# Whether there is a user at a terminal to ask.
interactive() {
    [ -z "$YES$DRY_RUN" ] && [ -t 0 ]
}

# ask QUESTION: whether the user answers yes. With --yes the answer is yes; without a terminal, no.
# A dry run shows the question, and then what a yes leads to.
ask() {
    [ -z "$YES" ] || return 0
    if [ -n "$DRY_RUN" ]; then
        show_question "$1 [y/N]"
        return
    fi
    interactive || return 1
    printf '   %s [y/N] ' "$1"
    read -r answer || return 1
    case $answer in [yY]*) return 0 ;; esac
    return 1
}

show_question() {
    printf '   ? %s\n' "$1"
}

# With DESTDIR only files are installed; users and services of the machine stay as they are.
staging() {
    [ -n "$DESTDIR" ]
}

need_root() {
    [ -n "$DRY_RUN" ] || staging || [ "$(id -u)" = 0 ] ||
        refuse "this needs root: run it with sudo (--dry-run shows what it would do)."
    staging || [ -n "$DRY_RUN" ] || command -v systemctl >/dev/null ||
        refuse "this machine has no systemd. Start the bot by hand: .venv/bin/python -m bot"
}

# remove_drop_ins UNIT: removes those that a previous installation made, and keeps the owner's own.
remove_drop_ins() {
    for file in "$DESTDIR$UNITS_DIR/$1.d"/jetbrush-*.conf; do
        if [ -e "$file" ]; then run rm -f "$file"; fi
    done
}

systemd_version() {
    systemctl --version 2>/dev/null | awk 'NR == 1 { print $2 + 0 }'
}
