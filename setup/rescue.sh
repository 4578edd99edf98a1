#!/bin/sh
# Looks at WezTerm's servers of this user, moves their panes into tmux by reptyr, and puts back what it changed.
# Reads nothing but its arguments, so that it can be given to `ssh HOST sh -s --`. Linux only: /proc tells it everything.
#
#   rescue.sh facts READINGS [PID]                  what runs, and how it fares; PID is looked at whatever it is called
#   rescue.sh move ID SESSION TTY:LEADER:START …    one pane after the other into windows of tmux's SESSION
#   rescue.sh restart ID PID START TTY,…            ends that server and starts it anew; panes of TTY,… are given up
#   rescue.sh install reptyr|tmux …                 with the distribution's own command, without a password
#   rescue.sh report [ID]                           the last rescue, or that one, and where everything is now
#
# Each line it has to say is `wa`, a tab, a word, and fields with tabs between.
# WA_RESCUE_DATA: where rescues are kept. WA_PTRACE_SCOPE: in place of /proc/sys/kernel/yama/ptrace_scope.
# shellcheck disable=SC2015,SC2030,SC2031 # no `set -uset -u` here has a part that may fail by itself, and what a pipe keeps to itself stays there
set -u
umask 077
locale_of_user=${LC_ALL-}
LC_ALL=C
export LC_ALL
unset TMUX TMUX_PANE
PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UID_HERE=$(id -u)
DATA=${WA_RESCUE_DATA:-${WA_HOME:+$WA_HOME/data/rescue}}
DATA=${DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/wa/rescue}
SCOPE=${WA_PTRACE_SCOPE:-/proc/sys/kernel/yama/ptrace_scope}
RUNTIME=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/wezterm}
RUNTIME=${RUNTIME:-$HOME/.local/share/wezterm}
CAP_SYS_PTRACE=19
MOVE_WITHIN=200 # naps
asked_to_stop=

say() {
    printf wa
    printf '\t%s' "$@"
    printf '\n'
}

# tmux hands its surroundings on to every window it opens later: they are the user's.
tmux_here() {
    if [ -n "$locale_of_user" ]; then LC_ALL=$locale_of_user tmux "$@"; else (
        unset LC_ALL
        exec tmux "$@"
    ); fi
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

plain() { tr '\000-\037\177' ' ' | cut -c1-"${1:-400}"; }

# What a file of one line holds, without starting a program.
first_line() {
    value=
    { IFS= read -r value <"$1"; } 2>/dev/null || [ -n "$value" ]
}

# Sets state ppid group session terminal front start of process $1; fails where it is gone. The name in its stat may hold anything.
look() {
    line=
    { while IFS= read -r part || [ -n "$part" ]; do line="$line $part"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
    [ -n "$line" ] || return 1
    # shellcheck disable=SC2086 # numbers
    set -- ${line##*\) }
    state=$1 ppid=$2 group=$3 session=$4 terminal=$5 front=$6
    shift 19
    start=$1
}

is_same() { look "$1" && [ "$start" = "$2" ] && [ "$state" != Z ]; }

# Sets index to N where terminal (as in stat) is /dev/pts/N.
pts_index() {
    major=$(((terminal >> 8) & 4095))
    [ "$major" -ge 136 ] && [ "$major" -le 143 ] || return 1
    index=$(((terminal & 255) | ((terminal >> 12) & 1048320)))
}

# A field of /proc/PID/status into value.
status_of() {
    value=
    while read -r key value _; do
        [ "$key" = "$2:" ] && return 0
    done 2>/dev/null <"/proc/$1/status"
    return 1
}

# The pts numbers whose masters process $1 holds, each once.
masters() {
    for info in /proc/"$1"/fdinfo/*; do
        while read -r key value; do
            [ "$key" = tty-index: ] && echo "$value"
        done 2>/dev/null <"$info"
    done | sort -nu
}

holds() { masters "$1" | grep -qx "$2"; }

environment_of() { tr '\000' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n "s/^$2=//p" | head -n 1; }

runtime_of() {
    its=$(environment_of "$1" XDG_RUNTIME_DIR)
    case $its in
    /*) echo "$its/wezterm" ;;
    *)
        its=$(environment_of "$1" HOME)
        echo "${its:-$HOME}/.local/share/wezterm"
        ;;
    esac
}

# The unit of the user's own manager that process $1 belongs to.
unit_of() { sed -n 's/^0:.*\/user@[0-9]*\.service\/.*\/\([^/]*\.service\)$/\1/p' "/proc/$1/cgroup" 2>/dev/null | head -n 1; }

servers() {
    for folder in /proc/[0-9]*; do
        pid=${folder#/proc/}
        first_line "$folder/comm" || continue
        case $value in
        wezterm-mux-ser | wezterm-mux-server) kind=mux ;;
        wezterm-gui) kind=gui ;;
        *)
            [ "$pid" = "${1:-}" ] || continue
            kind=other
            ;;
        esac
        status_of "$pid" Uid && [ "$value" = "$UID_HERE" ] && look "$pid" && [ "$state" != Z ] || continue
        echo "$pid $kind $start"
    done
    # A server by another name listens at the place where WezTerm's does.
    listening | while read -r inode path; do
        case $path in "$RUNTIME"/sock | "$RUNTIME"/gui-sock-*) ;; *) continue ;; esac
        # shellcheck disable=SC2012 # /proc's names are plain
        ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n "/^\/proc/h;/socket:\[$inode\]\$/{g;s/[^0-9]//gp;}" | while read -r pid; do
            first_line "/proc/$pid/comm" && look "$pid" || continue
            case $value in wezterm-*) continue ;; esac
            [ "$pid" = "${1:-}" ] || echo "$pid other $start"
        done
    done
}

# inode and path of every listening Unix socket that has a path.
listening() {
    while read -r _ _ _ flags _ _ inode path; do
        [ "$flags" = 00010000 ] && [ -n "$path" ] && echo "$inode $path"
    done 2>/dev/null </proc/net/unix
}

system_facts() {
    say system "$(uname -s)" "$(uname -m)" "$(id -un)" "$UID_HERE" "$(uname -n)"
    first_line /proc/loadavg && say load "${value%% *}" "$(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
    while read -r key value _; do
        case $key in MemTotal: | MemAvailable: | SwapTotal: | SwapFree:) say memory "${key%:}" "$value" ;; esac
    done </proc/meminfo
    if first_line "$SCOPE"; then say scope "$SCOPE" "$value" "$(scope_way)"; else say scope "$SCOPE" - none; fi
    for program in reptyr tmux; do
        path=$(command -v "$program") || path=-
        case $path in
        -) say program "$program" - - ;;
        *) say program "$program" "$path" "$(tmux_or_reptyr_version "$program")" ;;
        esac
    done
    say install "$(install_command reptyr tmux)" "$(as_root && echo yes || echo no)"
}

tmux_or_reptyr_version() {
    case $1 in
    tmux) tmux -V 2>/dev/null | plain 60 ;;
    *) reptyr -v 2>/dev/null | head -n 1 | plain 60 ;;
    esac
}

as_root() { [ "$UID_HERE" = 0 ] || sudo -n true 2>/dev/null; }

install_command() {
    if command -v apt-get >/dev/null; then
        echo apt-get install -y "$@"
    elif command -v dnf >/dev/null; then
        echo dnf install -y "$@"
    elif command -v pacman >/dev/null; then
        echo pacman -S --noconfirm "$@"
    elif command -v zypper >/dev/null; then
        echo zypper --non-interactive install "$@"
    elif command -v apk >/dev/null; then
        echo apk add "$@"
    else
        echo -
    fi
}

server_facts() {
    # shellcheck disable=SC2012 # /proc's names are plain
    descriptors=$(ls "/proc/$1/fd" 2>/dev/null | wc -l)
    limit=$(sed -n 's/^Max open files  *\([0-9a-z]*\).*/\1/p' "/proc/$1/limits" 2>/dev/null)
    rss=- threads=-
    status_of "$1" VmRSS && rss=$value
    status_of "$1" Threads && threads=$value
    first_line /proc/uptime
    age=$((${value%%.*} - $3 / $(getconf CLK_TCK 2>/dev/null || echo 100)))
    look "$1" || return 0
    its_runtime=$(runtime_of "$1")
    unit=$(unit_of "$1")
    say server "$1" "$2" "$3" "$age" "$rss" "$threads" "$((descriptors))" "${limit:--}" "$state" "$ppid" "${unit:--}" \
        "$its_runtime" "$(readlink "/proc/$1/exe" 2>/dev/null | plain)" "$(plain <"/proc/$1/cmdline" 2>/dev/null)"
    group_path=$(sed -n 's/^0:://p' "/proc/$1/cgroup" 2>/dev/null)
    [ -n "${unit:-}" ] && for name in memory.current memory.peak memory.max; do
        first_line "/sys/fs/cgroup$group_path/$name" && say accounted "$1" "$name" "$value"
    done
    # shellcheck disable=SC2012
    ls -l "/proc/$1/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' | while read -r mine; do
        listening | while read -r inode path; do
            [ "$inode" = "$mine" ] && say listens "$1" "$path"
        done
    done
    for number in $(masters "$1"); do say holds "$1" "$number"; done
}

file_facts() {
    for socket in "$1"/sock "$1"/gui-sock-*; do
        [ -S "$socket" ] && say socket "$socket"
    done
    # shellcheck disable=SC2012 # WezTerm's names are plain
    ls -t "$1"/wezterm-mux-server-log-*.txt "$1"/log 2>/dev/null | head -n 3 | while IFS= read -r log; do
        say log "$log" "$(wc -c <"$log")"
        tail -n 5 "$log" | while IFS= read -r line; do say tail "$log" "$(printf %s "$line" | plain 300)"; done
        grep -aiE 'error|panic|fatal|too many open files|out of memory|cannot allocate' "$log" | tail -n 5 |
            while IFS= read -r line; do say bad "$log" "$(printf %s "$line" | plain 300)"; done
    done
}

# Every process of the terminals whose numbers are given.
terminal_facts() {
    for folder in /proc/[0-9]*; do
        pid=${folder#/proc/}
        look "$pid" && pts_index || continue
        case " $* " in *" $index "*) ;; *) continue ;; esac
        say process "$index" "$pid" "$start" "$state" "$ppid" "$group" "$session" "$front" \
            "$(readlink "$folder/cwd" 2>/dev/null | plain)" "$(plain <"$folder/cmdline" 2>/dev/null)"
        [ "$pid" = "$session" ] && say pane "$index" "$(environment_of "$pid" WEZTERM_PANE | plain 20)" \
            "$(environment_of "$pid" WEZTERM_UNIX_SOCKET | plain)"
    done
}

facts() {
    readings=$1
    system_facts
    found=$(servers "${2:-}")
    folders=$RUNTIME
    all=
    while read -r pid kind start; do
        [ -n "$pid" ] || continue
        server_facts "$pid" "$kind" "$start"
        all="$all $(masters "$pid" | tr '\n' ' ')"
        folder=$(runtime_of "$pid")
        case ":$folders:" in *":$folder:"*) ;; *) folders="$folders:$folder" ;; esac
    done <<END
$found
END
    # shellcheck disable=SC2086 # numbers
    terminal_facts $all
    say runtime "$RUNTIME"
    rest=$folders:
    while [ -n "$rest" ]; do
        file_facts "${rest%%:*}"
        rest=${rest#*:}
    done
    round=0
    while [ "$round" -lt "$readings" ]; do
        [ "$round" -gt 0 ] && sleep 1
        first_line /proc/uptime && at=${value%% *}
        echo "$found" | while read -r pid kind start; do
            [ -n "$pid" ] && status_of "$pid" VmRSS && say rss "$pid" "$at" "$value"
        done
        round=$((round + 1))
    done
}

# Whether the server answers: `wezterm cli list` at its socket, with the program that lies beside the server's.
probe() {
    program=$(readlink "/proc/$1/exe" 2>/dev/null)
    program=${program% (deleted)}
    program=${program%/*}/wezterm
    [ -x "$program" ] || program=$(command -v wezterm) || {
        say answer "$1" - unknown "there is no wezterm program"
        return
    }
    first_line /proc/uptime && before=${value%% *}
    said=$(WEZTERM_UNIX_SOCKET=$2 WEZTERM_LOG=error timeout 10 "$program" cli --no-auto-start list 2>&1 </dev/null)
    code=$?
    first_line /proc/uptime && after=${value%% *}
    took=$(((${after%.*} - ${before%.*}) * 1000 + (1${after#*.} - 1${before#*.}) * 10))
    case $code in
    0) say answer "$1" "$took" yes "$("$program" --version 2>/dev/null | plain 80)" ;;
    124) say answer "$1" "$took" no "no answer in 10 s" ;;
    *) say answer "$1" "$took" no "$(printf %s "$said" | tail -n 1 | plain)" ;;
    esac
}

# --- ptrace_scope ---------------------------------------------------------------------------------------------------

can_trace() { status_of $$ CapEff && [ $((0x$value >> CAP_SYS_PTRACE & 1)) = 1 ]; }

# How ptrace_scope stands in the way: none, write (we may), sudo, told (a person must), never.
scope_way() {
    first_line "$SCOPE" || { echo none; return; }
    case $value in
    0) echo none ;;
    3) echo never ;;
    *)
        if can_trace; then
            echo none
        elif [ -w "$SCOPE" ]; then
            echo write
        elif sudo -n true 2>/dev/null; then
            echo sudo
        else
            echo told
        fi
        ;;
    esac
}

# What a reptyr that nobody watches any more may wait for (see `nudge`): run with the rescue's folder.
# shellcheck disable=SC2016 # its own variables
UNSTICK='naps=0; held=yes
while [ "$naps" -lt "$2" ] || { [ -n "$held" ] && [ "$naps" -lt 200 ]; }; do
    held=
    while IFS=: read -r number leader born; do
        for target in "$leader" "$(sed -n "s/^PPid:[^0-9]*//p" "/proc/$leader/status")"; do
            tracer=$(sed -n "s/^TracerPid:[^0-9]*//p" "/proc/$target/status")
            [ "${tracer:-0}" != 0 ] && [ "$(cat "/proc/$tracer/comm")" = reptyr ] || continue
            held=yes
            grep -q "^State:[^A-Za-z]*[tT]" "/proc/$target/status" || kill -CONT "$target"
        done
    done 2>/dev/null <"$1/wanted"
    naps=$((naps + 1))
    sleep 0.1 2>/dev/null || sleep 1
done'

# A watchdog in a session of its own, deaf to everything that ends us, with the rights to write: it lowers the value, waits
# until nobody holds the other end of its pipe any more, and puts back what was. `-`: nothing is to be lowered.
# shellcheck disable=SC2016 # its own variables
GUARD='trap "" HUP INT TERM PIPE; umask 022; scope=$1 was=$2 folder=$3 unstick=$4
printf "%s\n" "$$" >"$folder/guard.pid"
[ "$scope" = - ] || printf "0\n" >"$scope" && : >"$folder/lowered"
cat >/dev/null
[ "$scope" = - ] || printf "%s\n" "$was" >"$scope" && : >"$folder/restored"
[ -e "$folder/finished" ] || sh -c "$unstick" unstick "$folder" 50'

lower_scope() {
    way=$(scope_way)
    scope=$SCOPE was=-
    case $way in
    none) scope=- ;;
    never)
        say fail scope "$SCOPE is 3: no process may be moved before the next boot"
        return 1
        ;;
    told)
        say fail scope "$SCOPE is not 0 and only root may change it" "sudo sysctl kernel.yama.ptrace_scope=0"
        return 1
        ;;
    *)
        first_line "$SCOPE" && was=$value
        printf '%s\n%s\n' "$SCOPE" "$was" >"$folder/scope.new" && mv "$folder/scope.new" "$folder/scope" || return 1
        sync "$folder" 2>/dev/null
        ;;
    esac
    mkfifo "$folder/guard" || return 1
    # Both ends are open before anything is started: whoever of the two dies first, the other one knows.
    # shellcheck disable=SC2094 # a fifo
    exec 9<>"$folder/guard" 8<"$folder/guard"
    set -- sh -c "$GUARD" guard "$scope" "$was" "$folder" "$UNSTICK"
    command -v setsid >/dev/null && set -- setsid "$@"
    [ "$way" = sudo ] && set -- sudo -n "$@"
    "$@" <&8 8<&- 9>&- >/dev/null 2>&1 &
    exec 8<&-
    naps=0
    while [ ! -e "$folder/lowered" ]; do
        naps=$((naps + 1))
        [ "$naps" -gt 50 ] && {
            say fail scope "$SCOPE could not be changed"
            return 1
        }
        nap 9>&-
    done
    [ "$scope" = - ] || say scope-lowered "$SCOPE" "$was"
}

restore_scope() {
    exec 9>&-
    [ -e "$folder/scope" ] && [ ! -e "$folder/restored" ] || return 0
    naps=0
    while [ ! -e "$folder/restored" ] && [ "$naps" -lt 50 ]; do
        naps=$((naps + 1))
        nap
    done
    put_back "$folder"
}

# Puts back what rescue $1 changed, where its guard has not done so.
put_back() {
    [ -e "$1/scope" ] || return 0
    { read -r its_scope && read -r its_was; } <"$1/scope"
    if [ ! -e "$1/restored" ]; then
        if first_line "$its_scope" && [ "$value" = 0 ]; then
            { printf '%s\n' "$its_was" >"$its_scope"; } 2>/dev/null ||
                printf '%s\n' "$its_was" | sudo -n tee "$its_scope" >/dev/null 2>&1
        fi
        first_line "$its_scope" && [ "$value" = 0 ] && {
            say scope-left "${1##*/}" "$its_scope" "$its_was" "sudo sysctl kernel.yama.ptrace_scope=$its_was"
            return 1
        }
        : >"$1/restored"
        say scope-recovered "${1##*/}" "$its_scope" "$its_was"
        return 0
    fi
    [ -n "${2:-}" ] || say scope-restored "$its_scope" "$its_was"
}

# Rescues that were cut off: each is put right first.
recover() {
    for old in "$DATA"/*/wanted; do
        old=${old%/wanted}
        [ -e "$old/wanted" ] && [ ! -e "$old/finished" ] && ! is_running "$old" || continue
        put_back "$old" quiet && sh -c "$UNSTICK" unstick "$old" 1 && : >"$old/finished"
    done
}

is_running() { [ -e "$1/mover" ] && read -r mover born <"$1/mover" && [ "$mover" != $$ ] && is_same "$mover" "$born"; }

# --- moving ---------------------------------------------------------------------------------------------------------

# reptyr sends SIGCONT right behind its attaching, which may take away the stop it then waits for (0.9.0; often where the
# target has threads, and a multiplexer has): one more SIGCONT to a target that is traced and not stopped lets it go on.
nudge() {
    for target in "$2" "$3"; do
        status_of "$target" TracerPid && [ "$value" = "$1" ] || continue
        look "$target" && [ "$state" != t ] && [ "$state" != T ] && kill -CONT "$target" 2>/dev/null
    done
}

is_traced() { status_of "$1" TracerPid && [ "$value" != 0 ]; }

move_one() {
    number=$1 leader=$2 born=$3
    note=$folder/reptyr.$number
    if ! is_same "$leader" "$born" || ! pts_index || [ "$index" != "$number" ]; then
        outcome=gone why="its first process ended meanwhile"
        return
    fi
    emulator=$ppid
    if ! holds "$emulator" "$number"; then
        outcome=stayed why="its terminal is not held by its parent, $emulator"
        return
    fi
    if is_traced "$emulator" || is_traced "$leader"; then
        outcome=stayed why="something traces it already (a debugger?)"
        return
    fi
    before=$(on_terminal "$number")
    set -- new-window -d -P -t "=$tmux_session:"
    tmux_here has-session -t "=$tmux_session" 2>/dev/null || set -- new-session -d -P -s "$tmux_session" -x 160 -y 48
    # A session that nobody is attached to must stay, whatever the user's own settings say of it.
    # shellcheck disable=SC2016 # its own variables
    made=$(tmux_here "$@" -n "pts$number" -F '#{window_id} #{pane_id} #{pane_pid} #{window_index}' \
        sh -c 'if reptyr -h 2>&1 | grep -q -e -V; then exec reptyr -V -T "$1" 2>"$2"; fi; exec reptyr -T "$1" 2>"$2"' \
        sh "$leader" "$note" \; set-option -q -t "=$tmux_session:" destroy-unattached off \; \
        set-option -q -s exit-unattached off 9>&- </dev/null 2>"$note.tmux") || {
        outcome=stayed why="tmux: $(tail -n 1 "$note.tmux" | plain 200)"
        return
    }
    # shellcheck disable=SC2086 # tmux's own words
    set -- $made
    window=$1 pane=$2 mover=$3 place=$tmux_session:$4
    look "$mover" && printf 'began\t%s\t%s\t%s\t%s\t%s\n' "$number" "$leader" "$mover" "$start" "$place" >>"$folder/moves"
    naps=0
    while :; do
        if ! look "$mover" || [ "$state" = Z ]; then
            outcome=stayed why="reptyr: $(grep -v '^\[+\]' "$note" 2>/dev/null | head -n 1 | plain 200)"
            holds "$emulator" "$number" || outcome=lost
            return
        fi
        if ! is_traced "$emulator" && ! is_traced "$leader" && holds "$mover" "$number" && ! holds "$emulator" "$number"; then
            break
        fi
        naps=$((naps + 1))
        if [ "$naps" -gt "$MOVE_WITHIN" ]; then
            if is_traced "$emulator" && { ! grep -q '^\[+\]' "$note" || grep -q 'Allocated scratch' "$note"; } 2>/dev/null; then
                # It is in the middle of the server's registers: ended now, the server would go on with wrong ones.
                outcome=stuck why="reptyr $mover holds the server $emulator; leave it alone: ended now, it would take every pane along"
            else
                is_traced "$emulator" && why=", which makes no system call: it is busy with itself"
                kill -KILL "$mover" 2>/dev/null
                outcome=stayed why="reptyr did not get hold of the server $emulator in time${why:-}"
            fi
            return
        fi
        [ "$naps" -gt 2 ] && nudge "$mover" "$leader" "$emulator"
        nap 9>&-
    done
    verify
}

on_terminal() {
    for entry in /proc/[0-9]*; do
        look "${entry#/proc/}" && pts_index && [ "$index" = "$1" ] && [ "$state" != Z ] && echo "${entry#/proc/}:$start"
    done
}

# A thread of the server may still wait in a read() of the terminal: it takes the next output, and reptyr (0.9.0), told
# that there is something to read, then waits for more and passes on nothing that is typed. A NUL as output, which terminals
# pass over, satisfies the one and wakes the other. It is no input: no program reads it.
flush_readers() {
    naps=0
    while [ "$naps" -lt 10 ]; do
        # shellcheck disable=SC2016 # its own variable
        timeout 1 sh -c 'printf "\\000" >"/dev/pts/$1"' sh "$number" 9>&- 2>/dev/null
        nap 9>&-
        naps=$((naps + 1))
        first_line "/proc/$mover/wchan"
        case $value in *poll* | *select* | 0) [ "$naps" -ge 3 ] && return ;; esac
    done
}

verify() {
    missing=
    for one in $before; do is_same "${one%:*}" "${one#*:}" || missing="$missing ${one%:*}"; done
    flush_readers
    tmux_here resize-window -t "$window" -x 159 -y 47 2>/dev/null
    naps=0 shows=silent
    while [ "$naps" -lt 25 ]; do
        naps=$((naps + 1))
        nap 9>&-
        [ "$naps" = 3 ] && tmux_here resize-window -t "$window" -x 160 -y 48 2>/dev/null
        [ "$naps" -gt 4 ] && [ -n "$(tmux_here capture-pane -p -t "$pane" 2>/dev/null | tr -d ' \n')" ] && {
            shows=seen
            break
        }
    done
    tmux_here set-option -w -u -t "$window" window-size 2>/dev/null
    if is_same "$leader" "$born" && holds "$mover" "$number"; then
        outcome=moved why="${missing:+ended meanwhile:$missing}"
    else
        outcome=lost why="it ended while it was moved"
    fi
}

move() {
    id=$1 tmux_session=$2
    shift 2
    folder=$DATA/$id
    mkdir -p "$folder" || {
        say fail journal "$folder cannot be made"
        exit 1
    }
    for other in "$DATA"/*/mover; do
        [ -e "$other" ] && is_running "${other%/mover}" && {
            say fail busy "another rescue runs: process $mover"
            exit 1
        }
    done
    look $$
    {
        printf '%s\n' "$tmux_session" >"$folder/session" && printf '%s %s\n' $$ "$start" >"$folder/mover" &&
            printf '%s\n' "$@" >"$folder/wanted"
    } 2>/dev/null || {
        say fail journal "$folder cannot be written: nothing was moved"
        exit 1
    }
    for program in reptyr tmux; do
        command -v "$program" >/dev/null || {
            say fail program "$program is not installed" "$(install_command "$program")"
            exit 1
        }
    done
    trap 'asked_to_stop=yes' HUP INT TERM PIPE
    trap 'restore_scope; rm -f "$folder/mover" "$folder/guard"' EXIT
    lower_scope || exit 1
    for entry in "$@"; do
        number=${entry%%:*}
        rest=${entry#*:}
        say moving "$number" || asked_to_stop=yes
        mover=- place=- shows=- window=- why=
        if [ -n "$asked_to_stop" ]; then
            outcome=stayed why="asked to stop before its turn"
        else
            move_one "$number" "${rest%%:*}" "${rest#*:}"
        fi
        mover_start=-
        [ "$mover" != - ] && look "$mover" && mover_start=$start
        printf 'ended\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$number" "${rest%%:*}" "$outcome" "$mover" "$mover_start" \
            "$place" "$window" "$shows" "$why" >>"$folder/moves"
        say outcome "$number" "$outcome" "$mover" "$place" "$window" "$shows" "$why"
    done 2>/dev/null
    : >"$folder/finished"
    restore_scope
    rm -f "$folder/mover" "$folder/guard"
    trap - EXIT
    report "$id"
}

# --- afterwards -----------------------------------------------------------------------------------------------------

report() {
    id=${1:-}
    if [ -z "$id" ]; then
        for one in "$DATA"/*/wanted; do
            [ -s "$one" ] && one=${one%/wanted} && id=${one##*/}
        done
        [ -n "$id" ] || return 0
    fi
    folder=$DATA/$id
    [ -d "$folder" ] || {
        say fail unknown "there is no rescue $id"
        exit 1
    }
    say rescue "$id" "$(cat "$folder/session" 2>/dev/null)" "$(is_running "$folder" && echo running || echo ended)"
    put_back "$folder"
    [ -e "$folder/restarted" ] && say restarted "$(cat "$folder/restarted")"
    wanted=
    while IFS=: read -r number leader born; do
        [ -n "$number" ] || continue
        where=nobody
        for folder_of in /proc/[0-9]*; do
            first_line "$folder_of/comm" || continue
            case $value in reptyr | wezterm* | python*) ;; *) continue ;; esac
            holder=$value
            holds "${folder_of#/proc/}" "$number" && where="$holder ${folder_of#/proc/}"
        done
        alive=no
        is_same "$leader" "$born" && alive=yes
        said=$(sed -n "s/^ended	$number	//p" "$folder/moves" 2>/dev/null | tail -n 1)
        began=$(sed -n "s/^began	$number	//p" "$folder/moves" 2>/dev/null | tail -n 1)
        say wanted "$number" "$leader" "$born" "$alive" "$where"
        [ -n "$said" ] && printf 'wa\tended\t%s\t%s\n' "$number" "$said"
        [ -z "$said" ] && [ -n "$began" ] && printf 'wa\tbegan\t%s\t%s\n' "$number" "$began"
        wanted="$wanted $number"
    done 2>/dev/null <"$folder/wanted"
    # shellcheck disable=SC2086 # numbers
    terminal_facts $wanted
}

# Takes processes out of the unit's group, which systemd ends as a whole.
take_out() {
    unit=$1
    shift
    inside=
    for pid in "$@"; do grep -q "/$unit\$" "/proc/$pid/cgroup" 2>/dev/null && inside="$inside $pid"; done
    [ -n "$inside" ] || return 0
    # shellcheck disable=SC2086 # numbers
    set -- $inside
    busctl --user call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
        StartTransientUnit 'ssa(sv)a(sa(sv))' "wa-rescue-$$.scope" fail 1 PIDs au $# "$@" 0 >/dev/null 2>&1
    naps=0
    while [ "$naps" -lt 20 ]; do
        inside=
        for pid in "$@"; do grep -q "/$unit\$" "/proc/$pid/cgroup" 2>/dev/null && inside="$inside $pid"; done
        [ -z "$inside" ] && return 0
        naps=$((naps + 1))
        nap
    done
    case $(unit_property "$unit" KillMode) in process | none) return 0 ;; esac
    return 1
}

unit_property() { systemctl --user show -p "$2" "$1" 2>/dev/null | sed -n "s/^$2=//p"; }

restart() {
    id=$1 server=$2 born=$3 lose=,${4:-},
    folder=$DATA/$id
    mkdir -p "$folder"
    is_same "$server" "$born" || {
        say fail gone "the server $server is no longer there"
        exit 1
    }
    for number in $(masters "$server"); do
        [ -n "$(on_terminal "$number")" ] || continue
        case $lose in *",$number,"*) ;; *)
            say fail panes "pts/$number is still in the server $server"
            exit 1
            ;;
        esac
    done
    first_line "/proc/$server/comm"
    [ "$value" = wezterm-gui ] && {
        say fail gui "$server is a window of WezTerm: close it and open it by hand"
        exit 1
    }
    unit=$(unit_of "$server")
    # Of one that was started by hand inside another's unit nothing is to be restarted but itself.
    [ -n "$unit" ] && [ "$(unit_property "$unit" MainPID)" != "$server" ] && unit=
    program=$(readlink "/proc/$server/exe")
    program=${program% (deleted)}
    tr '\000' '\n' <"/proc/$server/cmdline" >"$folder/argv"
    environment=$(tr '\000' '\n' <"/proc/$server/environ" | grep -E '^(HOME|PATH|XDG_[A-Z_]*|LANG|LC_[A-Z]*|SHELL|USER|LOGNAME|WEZTERM_CONFIG_[A-Z]*|PYTHONPATH)=')
    socket=$(listens_at "$server")
    if [ -n "$unit" ]; then
        rescued=$(awk -F '\t' '$1 == "ended" && $4 == "moved" { print $2, $5 }' "$folder/moves" 2>/dev/null |
            while read -r number mover; do
                echo "$mover"
                on_terminal "$number" | sed 's/:.*//'
                look "$mover" && echo "$ppid"
            done | sort -u)
        # shellcheck disable=SC2086 # numbers
        take_out "$unit" $rescued || {
            say fail unit "the rescued processes are still in $unit, which systemd would end as a whole: end only the server (kill $server)"
            exit 1
        }
        systemctl --user restart "$unit" || {
            say fail unit "systemctl --user restart $unit failed"
            exit 1
        }
    else
        # One that ends in a way of its own may end its children too, and those that were moved are still its children.
        gently=TERM
        status_of "$server" SigCgt && [ $((0x$value >> 14 & 1)) = 1 ] && gently=KILL
        kill -$gently "$server"
        naps=0
        while is_same "$server" "$born" && [ "$naps" -lt 50 ]; do
            naps=$((naps + 1))
            nap
        done
        is_same "$server" "$born" && kill -KILL "$server"
        while is_same "$server" "$born" && [ "$naps" -lt 100 ]; do
            naps=$((naps + 1))
            nap
        done
        is_same "$server" "$born" && {
            say fail alive "the server $server does not end (state $state)"
            exit 1
        }
        start_again
    fi
    naps=0
    fresh=
    while [ "$naps" -lt 150 ] && [ -z "$fresh" ]; do
        naps=$((naps + 1))
        nap
        fresh=$(servers | while read -r pid kind start; do
            [ "$pid" != "$server" ] && [ "$(listens_at "$pid")" = "$socket" ] && echo "$pid"
        done | head -n 1)
        # One by another name, started by another way.
        [ -z "$fresh" ] && [ "$naps" -gt 50 ] && listening | grep -q " $socket\$" && fresh=0
    done
    [ -n "$fresh" ] || {
        say fail start "no server listens at $socket 15 s after its start"
        exit 1
    }
    printf '%s %s %s\n' "$server" "$fresh" "$socket" >"$folder/restarted"
    say restarted "$server $fresh $socket"
    [ "$fresh" = 0 ] || probe "$fresh" "$socket"
}

listens_at() {
    # shellcheck disable=SC2012
    ls -l "/proc/$1/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' | while read -r mine; do
        listening | sed -n "s/^$mine //p"
    done | head -n 1
}

# As it was started, its words read back from $folder/argv; a pid file's descriptor is of that process alone.
start_again() {
    set --
    skip=yes
    mode=
    while IFS= read -r word; do
        if [ -n "$skip" ]; then
            skip=
        else
            case $word in
            --pid-file-fd) skip=yes mode=daemon ;;
            --pid-file-fd=*) mode=daemon ;;
            --daemonize) mode=daemon ;;
            *) set -- "$@" "$word" ;;
            esac
        fi
    done <"$folder/argv"
    [ "$mode" = daemon ] && set -- --daemonize "$@"
    # The name it was started by may be a link that matters (a virtual environment's python).
    IFS= read -r word <"$folder/argv"
    case $word in /*) [ -x "$word" ] && program=$word ;; esac
    set -- "$program" "$@"
    old_ifs=$IFS
    IFS='
'
    for assignment in $environment; do set -- "$assignment" "$@"; done
    IFS=$old_ifs
    if command -v setsid >/dev/null; then
        setsid env -i "$@" </dev/null >"$folder/server.log" 2>&1 &
    else
        env -i "$@" </dev/null >"$folder/server.log" 2>&1 &
    fi
}

install() {
    words=$(install_command "$@")
    [ "$words" != - ] && as_root || {
        say fail install "nothing can be installed here without a password" "sudo $words"
        exit 1
    }
    [ "$UID_HERE" = 0 ] || words="sudo -n $words"
    # shellcheck disable=SC2086 # our own words
    if DEBIAN_FRONTEND=noninteractive $words </dev/null >&2; then
        say installed "$*"
    else
        say fail install "$words failed"
        exit 1
    fi
}

main() {
    [ -d /proc/self/fd ] || {
        say system "$(uname -s)" "$(uname -m)" "$(id -un)" "$UID_HERE" "$(uname -n)"
        say fail system "this needs Linux: it reads /proc, and reptyr works there"
        exit 1
    }
    verb=${1:-facts}
    [ $# -gt 0 ] && shift
    recover
    case $verb in
    facts) facts "${1:-1}" "${2:-}" ;;
    probe) probe "$@" ;;
    move) move "$@" ;;
    restart) restart "$@" ;;
    install) install "$@" ;;
    report) report "$@" ;;
    *)
        say fail usage "unknown: $verb"
        exit 2
        ;;
    esac
    say end "$verb"
}

main "$@"
