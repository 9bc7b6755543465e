# shellcheck shell=sh
# Writes /etc/jetbrush/jetbrush.env from a file of settings or the answers to a few questions, and
# reads its settings. It never changes an existing file.

OTHER_SETTINGS="ADMIN_IDS WEBHOOK_URL NGROK_AUTHTOKEN NGROK_DOMAIN"
# sudo logs its command line with the variables on it, and ps shows it to every user.
SECRETS="BOT_TOKEN NGROK_AUTHTOKEN"
LIBGOMP=/usr/lib/aarch64-linux-gnu/libgomp.so.1

# Refuses secrets that come as variables.
refuse_secret_variables() {
    for name in $SECRETS; do
        eval "value=\${$name:-}"
        [ -z "$value" ] || refuse "$name is a secret and may not be given as a variable, because sudo
logs its command line. Write it into a file that only you can read, and name that file:
    (umask 077 && cat >settings.txt)      # $name=..., then Ctrl-D
    sudo make install INSTALL_ARGS='--yes --settings settings.txt'
If the value was on a command line, replace it: it may be in the log of this machine."
    done
}

# read_settings FILE: sets the variables from lines NAME=VALUE, of standard input if FILE is -.
read_settings() {
    if [ "$1" = - ]; then
        check_private /dev/stdin "standard input"
        parse_settings "standard input"
        return
    fi
    if [ -d "$1" ] || ! [ -r "$1" ]; then
        refuse "the settings file $1 does not exist or cannot be read."
    fi
    check_private "$1" "$1"
    # shellcheck disable=SC2094  # the argument is for messages
    parse_settings "$1" <"$1"
}

# check_private FILE NAME: refuses a file that others may read or change; pipes and terminals pass.
check_private() {
    [ -f "$1" ] || return 0
    mode=$(stat -Lc %a "$1")
    case $mode in
        0 | *00) ;;
        *) refuse "$2 is open to other users (mode $mode). Close the file and try again: chmod 600 FILE" ;;
    esac
    owner=$(stat -Lc %u "$1")
    case " 0 $(id -u) ${SUDO_UID:-} " in
        *" $owner "*) ;;
        *) refuse "$2 belongs to the user number $owner. Make it your own: chown root FILE" ;;
    esac
}

# parse_settings NAME: reads the settings from standard input; messages never show a value.
parse_settings() {
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        case $line in '' | '#'*) continue ;; esac
        name=${line%%=*}
        case $line:$name in
            *=*:BOT_TOKEN | *=*:NGROK_AUTHTOKEN | *=*:NGROK_DOMAIN | *=*:ADMIN_IDS) ;;
            *=*:MODE | *=*:WEBHOOK_URL) ;;
            *) refuse "line $number of $1 is wrong: expected BOT_TOKEN, NGROK_AUTHTOKEN, NGROK_DOMAIN, \
ADMIN_IDS, MODE or WEBHOOK_URL, followed by = and the value.$(about_nearest "$name") Other settings \
go into $ETC/jetbrush.env after the installation." ;;
        esac
        eval "$name=\${line#*=}"
    done
}

# The names of all settings, as .env.example describes them, and the tunnel's.
known_settings() {
    sed -n 's/^#\{0,1\}\([A-Z_]*\)=.*/\1/p' "$SOURCE/.env.example"
    say NGROK_AUTHTOKEN
}

# about_nearest NAME: a sentence about the setting whose name is most like NAME; nothing without one.
about_nearest() {
    # shellcheck disable=SC2046  # each name is an argument
    near=$(printf '%s\n' "$1" |
        (cd "$SOURCE" && "$PYTHON" -B -m bot.setting_names $(known_settings)) 2>/dev/null) || near=
    if [ -n "$near" ]; then printf ' The nearest setting is %s.' "$near"; fi
}

# Refuses an environment file with the name of a setting misspelt. Other names may be variables for
# the libraries, such as LD_PRELOAD.
check_names() {
    file=$DESTDIR$ETC/jetbrush.env
    [ -r "$file" ] || return 0
    known=" $(known_settings | tr '\n' ' ') "
    # shellcheck disable=SC2013  # a name has no spaces
    for name in $(sed -n 's/^[ \t]*\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' "$file"); do
        case $known in *" $name "*) continue ;; esac
        near=$(about_nearest "$name")
        [ -z "$near" ] || refuse "$name in $file is no setting.$near Correct the name."
    done
}

# question VARIABLE TEXT: asks for a value unless there is one.
question() {
    eval "given=\${$1:-}"
    # shellcheck disable=SC2154  # eval sets it
    if [ -z "$given$YES" ] && [ -n "$DRY_RUN" ]; then
        show_question "$2"
    elif [ -z "$given" ] && interactive; then
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
    [ -z "$NGROK_AUTHTOKEN$DRY_RUN" ] ||
        question NGROK_DOMAIN "Your ngrok domain (dashboard.ngrok.com/domains), such as your-name.ngrok-free.dev; empty for one that ngrok chooses:"
    question ADMIN_IDS "Telegram user numbers that may use /stats, separated by commas; may be empty:"
    if [ -z "${MODE:-}" ]; then
        if [ -n "$NGROK_AUTHTOKEN${WEBHOOK_URL:-}" ]; then MODE=webhook; else MODE=polling; fi
    fi
    say "   + write $file (root only): MODE=$MODE"
    [ -z "$DRY_RUN" ] || return 0
    write_settings "$file" environment_text
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
