# shellcheck shell=sh
# The part of the installation that differs for a painter of a fleet, which has no bot.

PAINTER=${PAINTER:-}

# Whether a painter is installed, or upgraded.
is_painter() {
    [ -n "$PAINTER" ] || { [ -e "$DESTDIR$ETC/painter.env" ] && [ ! -e "$DESTDIR$ETC/jetbrush.env" ]; }
}

# Refuses a file of credentials that is none, before anything is changed.
check_painter() {
    [ -n "$PAINTER" ] || return 0
    [ ! -e "$DESTDIR$ETC/jetbrush.env" ] ||
        refuse "the bot is installed here, and it paints itself. A painter is for another machine."
    grep -q '^NATS_USER=' "$PAINTER" 2>/dev/null ||
        refuse "$PAINTER is not a file that scripts/fleet add made, or cannot be read."
    ! grep -q '^NATS_USER=bot$' "$PAINTER" ||
        refuse "$PAINTER is for the bot. Make one for this machine: sudo scripts/fleet add NAME"
}

write_painter_environment() {
    if [ -n "$PAINTER" ]; then
        run install -m 640 "$PAINTER" "$DESTDIR$ETC/painter.fleet"
        staging || run chown root:jetbrush "$ETC/painter.fleet"
    fi
    file=$DESTDIR$ETC/painter.env
    if [ -e "$file" ]; then
        say "   $file exists and stays as it is."
        return
    fi
    say "   + write $file"
    [ -z "$DRY_RUN" ] || return 0
    write_settings "$file" painter_text
}

painter_text() {
    cat <<EOF
# The settings of a painter: NATS_URL, NATS_CREDENTIALS, BACKEND, PATIENCE and LOG_LEVEL, which
# $APP/.env.example describes. After a change: sudo systemctl restart jetbrush-painter
NATS_CREDENTIALS=$ETC/painter.fleet
EOF
    if [ -e "$LIBGOMP" ]; then
        cat <<EOF
# Must be loaded first: later there may be no room for its thread-local storage.
LD_PRELOAD=$LIBGOMP
EOF
    fi
}

# Starts the painter in place of a bot.
start_painter() {
    run systemctl daemon-reload
    run systemctl enable jetbrush.target jetbrush-painter.service
    if [ -x /usr/bin/jetson_clocks ]; then run systemctl enable jetbrush-clocks.service; fi
    # shellcheck disable=SC2310  # the message follows
    run systemctl restart jetbrush.target ||
        refuse "the painter does not start. For the reason: sudo journalctl -u jetbrush-painter -n 30"
    release ready
    say "   The painter runs. Its status:  systemctl status jetbrush-painter"
    say "                     Its log:     sudo journalctl -fu jetbrush-painter"
}
