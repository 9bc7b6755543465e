# shellcheck shell=sh
# The part of the installation that differs for a painter of a fleet, which has no bot.

PAINTER=${PAINTER:-}

# Whether a painter is installed, or upgraded.
is_painter() {
    [ -n "$PAINTER" ] || { [ -e "$DESTDIR$ETC/painter.env" ] && [ ! -e "$DESTDIR$ETC/jetbrush.env" ]; }
}

# What this machine has: a bot or a painter, its unit, its settings, and the options of bot.upgrade for it.
role() {
    if is_painter; then say painter; else say bot; fi
}

service() {
    if is_painter; then say jetbrush-painter; else say jetbrush; fi
}

settings_file() {
    if is_painter; then say "$ETC/painter.env"; else say "$ETC/jetbrush.env"; fi
}

service_options() {
    say "--settings $(settings_file)"
    if is_painter; then say --painter; fi
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
