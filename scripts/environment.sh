# shellcheck shell=sh
# Writes /etc/jetbrush/jetbrush.env from variables or the answers to a few questions, and reads its
# settings. It never changes an existing file.

OTHER_SETTINGS="ADMIN_IDS WEBHOOK_URL NGROK_AUTHTOKEN NGROK_DOMAIN"
LIBGOMP=/usr/lib/aarch64-linux-gnu/libgomp.so.1

# question VARIABLE TEXT: asks for a value unless the environment has one.
question() {
    eval "given=\${$1:-}"
    # shellcheck disable=SC2154  # eval sets it
    if [ -z "$given" ] && interactive; then
        printf '%s\n> ' "$2"
        read -r given || given=
    fi
    eval "$1=\$given"
    check "$1"
}

# check VARIABLE: refuses characters such as a line break or a quote, which could end the setting.
check() {
    eval "value=\${$1:-}"
    case $value in
        *[!A-Za-z0-9:._,/-]*) refuse "$1 contains characters that its value cannot have; enter it again." ;;
    esac
}

# Checks the variables before anything is changed; an existing environment file makes them unused.
check_variables() {
    [ ! -e "$DESTDIR$ETC/jetbrush.env" ] || return 0
    for name in BOT_TOKEN $OTHER_SETTINGS MODE; do check "$name"; done
    case ${MODE:-webhook} in
        webhook | polling) ;;
        *) refuse "MODE is $MODE; it can be webhook or polling." ;;
    esac
}

write_environment() {
    file=$DESTDIR$ETC/jetbrush.env
    if [ -e "$file" ]; then
        say "   $file exists and stays as it is."
        return
    fi
    question BOT_TOKEN "The bot's token, from @BotFather in Telegram:"
    question NGROK_AUTHTOKEN "The ngrok authtoken (dashboard.ngrok.com); empty for polling without a tunnel:"
    [ -z "$NGROK_AUTHTOKEN" ] ||
        question NGROK_DOMAIN "Your ngrok domain (dashboard.ngrok.com/domains); empty for one that ngrok chooses:"
    question ADMIN_IDS "Telegram user numbers that may use /stats, separated by commas; may be empty:"
    if [ -z "${MODE:-}" ]; then
        if [ -n "$NGROK_AUTHTOKEN${WEBHOOK_URL:-}" ]; then MODE=webhook; else MODE=polling; fi
    fi
    say "   + write $file (root only): MODE=$MODE"
    [ -z "$DRY_RUN" ] || return 0
    # The umask keeps the secrets unreadable while the file is written too.
    (umask 077 && environment_text >"$file.part")
    chmod 640 "$file.part"
    mv "$file.part" "$file"
}

environment_text() {
    cat <<EOF
# Jetbrush's settings; $APP/.env.example describes all of them.
# After a change: sudo systemctl restart jetbrush.target
BOT_TOKEN=${BOT_TOKEN:-}
MODE=$MODE
EOF
    for name in $OTHER_SETTINGS; do
        eval "value=\${$name:-}"
        # shellcheck disable=SC2154  # eval sets it
        if [ -n "$value" ]; then say "$name=$value"; else say "#$name="; fi
    done
    if [ -n "${NGROK_AUTHTOKEN:-}" ] && [ -z "${WEBHOOK_URL:-}" ]; then
        cat <<EOF
# Written by jetbrush-ngrok.service.
WEBHOOK_URL_FILE=/run/jetbrush-ngrok/url
EOF
    fi
    if [ -e "$LIBGOMP" ]; then
        cat <<EOF
# Must be loaded first: later there may be no room for its thread-local storage.
LD_PRELOAD=$LIBGOMP
EOF
    fi
}

# setting NAME: prints its value in the environment file, empty if there is none.
setting() {
    file=$DESTDIR$ETC/jetbrush.env
    if [ -e "$file" ]; then
        sed -n "s/^$1=//p" "$file" | tail -n 1
    else
        # In a dry run the file does not exist.
        eval "say \"\${$1:-}\""
    fi
}
