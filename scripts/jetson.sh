# shellcheck shell=sh
# Checks the machine for what an installation needs, and a Jetson for known problems (memory, swap,
# desktop), and offers to fix those it can.

# Stops before anything is changed when something is missing.
check_needs() {
    step "What is needed"
    # shellcheck disable=SC2310  # the report says why
    if needs=$(cd "$SOURCE" && "$PYTHON" -B -m runtime.machine.preflight "$APP"); then
        say "$needs" | sed 's/^/   /'
        return
    fi
    say "$needs" | sed 's/^/   /'
    if [ -n "$DRY_RUN" ]; then
        say "   The installation would stop here."
        return
    fi
    exit 1
}

check_jetson() {
    step "The machine"
    say "   $(uname -m), $(sed -n 's/^PRETTY_NAME="\(.*\)"$/\1/p' /etc/os-release)"
    # -B: root must leave no files in the owner's checkout.
    (cd "$SOURCE" && "$PYTHON" -B -m runtime.machine.jetson) | sed 's/^/   /'
    for topic in $(cd "$SOURCE" && "$PYTHON" -B -m runtime.machine.jetson --fixable); do
        case $topic in
            swap) offer "Create a swap file of 4 GB?" add_swap ;;
            zram) offer "Turn off the compressed swap in memory?" run systemctl disable --now nvzramconfig ;;
            desktop) offer "Boot without the desktop from now on?" desktop_off ;;
        esac
    done
}

# offer QUESTION COMMAND...: asks, and runs the command after a yes. Not for a staging folder.
offer() {
    question=$1
    shift
    if staging; then return; fi
    if ask "$question"; then "$@"; else say "   Not done: $question"; fi
}

desktop_off() {
    run systemctl set-default multi-user.target
    # Whoever answers no question does not expect a restart either.
    if [ -z "$YES" ] && ask "Restart now, so that the engines get its memory? Then run this again."; then
        run systemctl reboot
        [ -n "$DRY_RUN" ] || exit 0
    fi
}

add_swap() {
    if [ -e /swapfile ]; then
        say "   /swapfile exists; turn it on with: sudo swapon /swapfile"
        return
    fi
    free=$(df -Pk / | awk 'NR == 2 { print int($4 / 1024) }')
    if [ "$free" -lt 8192 ]; then
        say "   The disk has only $free MB free, too little for a swap file."
        return
    fi
    run fallocate -l 4G /swapfile
    run chmod 600 /swapfile
    run mkswap /swapfile
    run swapon /swapfile
    say "   + add /swapfile to /etc/fstab"
    [ -n "$DRY_RUN" ] || echo '/swapfile none swap sw 0 0' >>/etc/fstab
}
