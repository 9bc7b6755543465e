# shellcheck shell=sh
# Takes a release into use, and the one before it again when the new one does not work. install and
# rollback share it. bot/upgrade holds what is more than a command.

# in_folder FOLDER COMMAND...: shows a command and runs it there.
in_folder() {
    folder=$1
    shift
    ([ -n "$DRY_RUN" ] || cd "$folder" && run "$@")
}

# release COMMAND [OPTION]...: changes which release is in use. The module needs the standard library
# alone. -B: root must leave no files in the owner's checkout.
release() {
    command=$1
    shift
    in_folder "$SOURCE" "$PYTHON" -B -m bot.upgrade.trial "$command" "$DESTDIR$APP" "$@"
}

# release_folder next|previous: prints the folder of that release.
release_folder() {
    (cd "$SOURCE" && "$PYTHON" -B -m bot.upgrade.trial "$1" "$DESTDIR$APP")
}

# use_release FOLDER [NAME]: takes the release into use; NAME if it is new.
use_release() {
    step "Taking the release into use"
    old=
    if [ -e "$DESTDIR$APP" ]; then old=yes; fi
    # What is not on the disk yet would be lost in a power cut, and the link would lead to half of it.
    run sync
    release use --release "$1" --settings "$DESTDIR$ETC/jetbrush.env" ${2:+--name "$2"}
    install_units "$1"
    if staging; then release ready; else start_services "$1"; fi
}

# After an upgrade that was killed the bot may still run in the release before, whose folder the next
# upgrade empties.
finish_upgrade() {
    [ -e "$DESTDIR$RELEASES/trial.json" ] || return 0
    say "   The last upgrade was interrupted. It is finished first."
    old=yes
    current=$(readlink -f "$APP")
    install_units "$current"
    start_services "$current"
}

# start_services FOLDER: restarts the service with the release in FOLDER and sees that it works.
start_services() {
    step "Services"
    if [ -e "$(settings_file)" ] && ! [ -r "$(settings_file)" ]; then
        say "   This depends on the settings, which only root may read: use sudo."
        return
    fi
    run systemctl daemon-reload
    run systemctl enable jetbrush.target "$(service).service"
    # A release of before may not have it.
    if [ -n "$DRY_RUN" ] || [ -e "$1/systemd/jetbrush-engines.service" ]; then
        run systemctl enable jetbrush-engines.service
    fi
    if [ -x /usr/bin/jetson_clocks ]; then run systemctl enable jetbrush-clocks.service; fi
    is_painter || prepare_tunnel
    if ! is_painter && token_is_missing; then
        release ready
        say "   BOT_TOKEN is not set yet. Write it into $ETC/jetbrush.env, then:"
        say "       sudo systemctl start jetbrush.target"
        return
    fi
    # One request to systemd: whatever happens to this script, the service is started again.
    # shellcheck disable=SC2310  # how the service is decides, not the exit code
    run systemctl restart jetbrush.target || say "   systemd reports a failure."
    say "   Waiting until the $(role) is healthy, at most four minutes"
    # shellcheck disable=SC2310,SC2046  # likewise; several words are meant
    if in_folder "$SOURCE" "$PYTHON" -B -m bot.upgrade.health "$APP" "$1" $(service_options); then
        release ready
        if [ -n "$DRY_RUN" ]; then return; fi
        say "   The $(role) runs. Its status:  systemctl status $(service)"
        say "   Its log:  sudo journalctl -fu $(service)"
        if [ -e "$1/engines/progress.json" ]; then
            say "   It builds more engines:  systemctl status jetbrush-engines"
        fi
    else
        roll_back "$1"
    fi
}

prepare_tunnel() {
    if [ -n "$(setting NGROK_AUTHTOKEN)" ] && [ "$(setting MODE)" != polling ]; then
        find_ngrok
        run systemctl enable jetbrush-ngrok.service
    else
        run systemctl disable --now jetbrush-ngrok.service
    fi
}

# roll_back FOLDER: goes back from that release, which does not work, to the one before; ends the script.
roll_back() {
    [ -n "$old" ] || refuse "the $(role) does not work. For the reason: sudo journalctl -u $(service) -n 30"
    step "Rolling back to the release before"
    release back --release "$1" --settings "$ETC/jetbrush.env"
    install_units "$DESTDIR$APP"
    run systemctl daemon-reload
    run systemctl restart jetbrush.target
    refuse "the new release did not work, and the one before runs again. For the reason: \
sudo journalctl -u $(service) -n 100"
}

# install_units FOLDER: the units of the release in FOLDER.
install_units() {
    step "Units"
    run mkdir -p "$DESTDIR$UNITS_DIR"
    version=$(systemd_version)
    for unit in $UNITS; do
        remove_drop_ins "$unit"
        # In a dry run the folder is not made yet.
        if [ -z "$DRY_RUN" ] && ! [ -e "$1/systemd/$unit" ]; then
            run rm -f "$DESTDIR$UNITS_DIR/$unit"
            continue
        fi
        run cp "$1/systemd/$unit" "$DESTDIR$UNITS_DIR/"
        install_drop_ins "$1/systemd/$unit.d" "$unit"
    done
}

# install_drop_ins FOLDER UNIT: those that this machine's systemd knows. Staged files may be for any
# systemd, which ignores what it does not know.
install_drop_ins() {
    known=$SOURCE/systemd/$2.d
    [ -n "$DRY_RUN" ] || known=$1
    [ -d "$known" ] || return 0
    run mkdir -p "$DESTDIR$UNITS_DIR/$2.d"
    for file in "$known"/*.conf; do
        needs=$(basename "$file" .conf)
        if staging || [ "${version:-0}" -ge "$needs" ]; then
            run cp "$1/$needs.conf" "$DESTDIR$UNITS_DIR/$2.d/jetbrush-$needs.conf"
        fi
    done
}

# A dry run would have asked for it.
token_is_missing() {
    [ -z "$(setting BOT_TOKEN)$(setting BOT_TOKEN_FILE)" ] &&
        { [ -z "$DRY_RUN" ] || [ -e "$ETC/jetbrush.env" ]; }
}

find_ngrok() {
    [ ! -x /usr/local/bin/ngrok ] || return 0
    elsewhere=$(command -v ngrok || true)
    if [ -n "$elsewhere" ]; then
        run ln -s "$elsewhere" /usr/local/bin/ngrok
    else
        say "   The ngrok agent is missing. Install it as ngrok.com/download says, for example:"
        say "       curl -sSL https://bin.equinox.io/c/bNyj1mQVY4c/ngrok-v3-stable-linux-arm64.tgz |"
        say "           sudo tar -xz -C /usr/local/bin"
    fi
}
