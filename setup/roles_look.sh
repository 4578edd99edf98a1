#!/bin/sh
# What `wa setup distributed` must know of a machine, told and never changed: roles_look.sh COMMAND UNIT LABEL PORT
# Prints `key<TAB>value` lines between <wa-begin> and <wa-end>; files as hexadecimal digits, for every system has od.
set -u
LC_ALL=C
export LC_ALL

tab=$(printf '\t')

flat() { printf '%s' "$1" | tr '\n\r\t' '   ' | tr -d '\000-\037\177'; }

fact() { printf '%s\t%s\n' "$1" "$(flat "$2")"; }

have() { command -v "$1" >/dev/null 2>&1; }

mode_of() { stat -L -c %a "$1" 2>/dev/null || stat -L -f %Lp "$1" 2>/dev/null; }

file() {
    if [ ! -e "$2" ]; then
        if [ -L "$2" ]; then state=broken; else state=absent; fi
        printf 'file\t%s\t%s\n' "$1" "$state"
    elif [ ! -f "$2" ] || [ ! -r "$2" ] || [ "$(wc -c <"$2")" -gt 262144 ]; then
        printf 'file\t%s\tunreadable\n' "$1"
    else
        printf 'file\t%s\theld\t%s\t%s\n' "$1" "$(mode_of "$2")" "$(od -An -v -tx1 <"$2" | tr -d ' \n')"
    fi
}

find_wa() {
    for place in "$data/venv/bin/wa" "$(command -v wa 2>/dev/null)" "$HOME/.local/bin/wa" /usr/local/bin/wa \
        /opt/homebrew/bin/wa; do
        case $place in
            /*) if [ -x "$place" ] && [ ! -d "$place" ]; then
                printf '%s\n' "$place"
                return
            fi ;;
        esac
    done
}

listeners() {
    if [ -r /proc/net/tcp ]; then
        # State 0A: it listens. The port is hexadecimal.
        awk '$4 == "0A" { split($2, place, ":"); at = place[2]; if (length($2) > 20) at = substr($2, 34)
            printf "listens\t%s\t%s\n", at, $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
    elif have lsof; then
        lsof -nP -iTCP -sTCP:LISTEN -Fpcn 2>/dev/null | awk '/^p/ { pid = substr($0, 2) } /^c/ { name = substr($0, 2) }
            /^n/ { at = $0; sub(/.*:/, "", at); printf "held\t%s\t%s\t%s\n", at, pid, name }'
    fi
}

# The process that holds the socket with inode $1.
holder() {
    # shellcheck disable=SC2012 # names in /proc are numbers, and one ls is far quicker than a find a process
    ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v wanted="socket:[$1]" '
        /^\/proc\// { split($1, part, "/"); pid = part[3] }
        $NF == wanted { print pid; exit }'
}

look() {
    uid=$(id -u)
    if [ -z "${XDG_RUNTIME_DIR:-}" ] && [ -d "/run/user/$uid" ]; then
        XDG_RUNTIME_DIR=/run/user/$uid
        export XDG_RUNTIME_DIR
    fi
    if [ -n "${WA_HOME:-}" ]; then
        config=$WA_HOME/config
        data=$WA_HOME/data
    else
        case ${XDG_CONFIG_HOME:-} in /*) config=$XDG_CONFIG_HOME/wa ;; *) config=$HOME/.config/wa ;; esac
        case ${XDG_DATA_HOME:-} in /*) data=$XDG_DATA_HOME/wa ;; *) data=$HOME/.local/share/wa ;; esac
    fi
    fact system "$(uname -s)"
    fact arch "$(uname -m)"
    fact home "$HOME"
    fact config "$config"
    fact data "$data"
    fact "env WA_HOME" "${WA_HOME:-}"
    fact "env XDG_CONFIG_HOME" "${XDG_CONFIG_HOME:-}"
    fact "env XDG_DATA_HOME" "${XDG_DATA_HOME:-}"
    fact "env XDG_STATE_HOME" "${XDG_STATE_HOME:-}"
    fact "env XDG_RUNTIME_DIR" "${XDG_RUNTIME_DIR:-}"
    wa=$(find_wa)
    if [ -n "$wa" ]; then
        fact wa "$wa"
        fact wa_version "$("$wa" --version 2>/dev/null </dev/null | sed -n 's/^wa //p' | head -n 1)"
        if "$wa" "$1" --help >/dev/null 2>&1 </dev/null; then fact wa_command yes; else fact wa_command no; fi
        fact sidecar "$("$wa" status --json 2>/dev/null </dev/null | head -c 4096)"
    fi
    unit=
    if have systemctl && [ -n "$(systemctl --user show --property=Version 2>/dev/null)" ]; then
        fact manager systemd
        unit=$HOME/.config/systemd/user/$2
        fact enabled "$(systemctl --user is-enabled "$2" 2>/dev/null)"
        fact active "$(systemctl --user is-active "$2" 2>/dev/null)"
        fact main_pid "$(systemctl --user show --property=MainPID "$2" 2>/dev/null | sed -n 's/^MainPID=//p')"
        fact sidecar_unit "$(systemctl --user is-active wa.service 2>/dev/null)"
    elif [ "$(uname -s)" = Darwin ] && launchctl print "gui/$uid" >/dev/null 2>&1; then
        fact manager launchd
        fact main_pid "$(launchctl print "gui/$uid/$3" 2>/dev/null | sed -n 's/^[[:space:]]*pid = //p' | head -n 1)"
    fi
    case $(uname -s) in
        Darwin) unit=$HOME/Library/LaunchAgents/$3.plist ;;
        *) unit=$HOME/.config/systemd/user/$2 ;;
    esac
    file token "$config/tokens/$1"
    file settings "$config/distributed.toml"
    file unit "$unit"
    for journal in "$data"/setup/[0-9]*/journal; do
        if [ -f "$journal" ]; then
            id=${journal%/journal}
            printf 'plan\t%s\t%s\n' "${id##*/}" "$(grep -E '^(begin|finished|undo|undone)$' "$journal" | tail -n 1)"
        fi
    done
    heard=$(listeners | sort -u)
    [ -z "$heard" ] || printf '%s\n' "$heard"
    wanted=$(printf '%04X' "$4")
    inode=$(printf '%s\n' "$heard" | sed -n "s/^listens$tab$wanted$tab//p" | head -n 1)
    if [ -n "$inode" ]; then
        pid=$(holder "$inode")
        if [ -n "$pid" ]; then
            fact holder "$pid $(tr '\000' ' ' <"/proc/$pid/cmdline" 2>/dev/null | head -c 200)"
        fi
    fi
}

printf '<wa-begin>\n'
look "$1" "$2" "$3" "$4"
printf '<wa-end>\n'
