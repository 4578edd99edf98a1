#!/bin/sh
# A machine's own part of `wa setup remote`, in POSIX sh: docs/protocol/setup-plan.md.
#   look [FILE...] | apply ID (a tar archive on stdin) | undo ID | resume | install PYTHON DIGEST ID | uninstall DIGEST ID
# shellcheck disable=SC2317,SC2088 # steps are called by their name; a tilde that came in quotes is ours to expand
set -u

tab=$(printf '\t')
newline='
'
setup=
data=
dir=
id=
why=
stopped=

have() { command -v "$1" >/dev/null 2>&1; }

# Printable, on one line: what is told must not break the lines it is told in.
flat() { printf '%s' "$1" | tr '\n\r\t' '   ' | tr -d '\000-\037\177'; }

fact() { printf '%s\t%s\n' "$1" "$(flat "$2")"; }

tell() { printf '%s %s %s\n' "$1" "$2" "$(flat "${3-}")"; }

set_paths() {
    user_mask=$(umask)
    uid=$(id -u)
    if [ -z "${HOME:-}" ] || ! cd "$HOME"; then
        echo "this user has no home" >&2
        exit 1
    fi
    if [ -n "${WA_HOME:-}" ]; then
        data=$WA_HOME/data
    else
        case ${XDG_DATA_HOME:-} in
            /*) data=$XDG_DATA_HOME/wa ;;
            *) data=$HOME/.local/share/wa ;;
        esac
    fi
    setup=$data/setup
    runtime=${XDG_RUNTIME_DIR:-}
    if [ -z "$runtime" ] && [ -d "/run/user/$uid" ]; then runtime=/run/user/$uid; fi
    unset WEZTERM_UNIX_SOCKET WEZTERM_PANE CDPATH
}

# bounded SECONDS PROGRAM...: its status, or 124 where it took too long. It reads nothing, and holds none of our files.
bounded() {
    limit=$1
    shift
    if [ -z "${has_timeout-}" ]; then
        if timeout 5 true 2>/dev/null; then has_timeout=yes; else has_timeout=no; fi
    fi
    if [ "$has_timeout" = yes ]; then
        (umask "$user_mask" && exec timeout "$limit" "$@") </dev/null 3<&-
    else
        watched "$@"
    fi
}

# The same by hand, within $limit; $child is the program itself.
watched() {
    (umask "$user_mask" && exec "$@") </dev/null 3<&- &
    child=$!
    waited=0
    while kill -0 "$child" 2>/dev/null; do
        if [ "$waited" -ge "$((${limit%.*} * 5))" ]; then
            kill "$child"
            wait "$child"
            return 124
        fi
        waited=$((waited + 1))
        sleep 0.2
    done
    wait "$child"
}

manager() { bounded 15 env "XDG_RUNTIME_DIR=$runtime" systemctl --user "$@"; }

has_manager() { have systemctl && [ -n "$(manager show --property=Version 2>/dev/null)" ]; }

# ---- look ------------------------------------------------------------------------------------------------------------

find_program() {
    if command -v "$1" 2>/dev/null; then return; fi
    for place in "$HOME/.local/bin" "$HOME/bin" /usr/local/bin /usr/bin /opt/homebrew/bin /home/linuxbrew/.linuxbrew/bin \
        /Applications/WezTerm.app/Contents/MacOS "$HOME/Applications/WezTerm.app/Contents/MacOS"; do
        if [ -x "$place/$1" ] && [ ! -d "$place/$1" ]; then
            printf '%s\n' "$place/$1"
            return
        fi
    done
}

look_wezterm() {
    wezterm=$(find_program wezterm)
    server=$(find_program wezterm-mux-server)
    fact wezterm "$wezterm"
    fact wezterm_on_path "$(command -v wezterm 2>/dev/null)"
    fact mux_server "$server"
    if [ -n "$wezterm" ]; then
        fact wezterm_version "$(bounded 6 "$wezterm" --version 2>/dev/null)"
        logs=${XDG_RUNTIME_DIR:-$HOME/.local/share}/wezterm
        limit=6
        # In the environment that `ssh HOST wezterm cli proxy` has, for that is how it is reached.
        listed=$(
            watched env WEZTERM_LOG=off "$wezterm" cli --no-auto-start --prefer-mux list 2>/dev/null
            status=$?
            # A `wezterm` that failed leaves a log file behind.
            [ "$status" = 0 ] || rm -f "$logs/wezterm-log-$child.txt"
            exit "$status"
        )
        case $? in
            0)
                fact mux answers
                fact panes "$(printf '%s\n' "$listed" | sed 1d | grep -c .)"
                ;;
            124) fact mux hangs ;;
            *) fact mux none ;;
        esac
        fact socket "$logs/sock"
    fi
}

look_pythons() {
    seen=
    for name in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do
        found=$(find_program "$name")
        [ -n "$found" ] || continue
        said=$(bounded 10 "$found" -I -c '
import importlib.util as u, os, platform, sys, sysconfig
t = "\t"
libc = "".join(platform.libc_ver()) if sys.platform != "darwin" else platform.mac_ver()[0]
if sys.platform == "linux" and not libc.startswith("glibc"):
    import glob
    libc = "musl" if glob.glob("/lib/ld-musl-*") else "unknown"
has = [n for n in ("venv", "ensurepip") if u.find_spec(n)]
print(os.path.realpath(sys.executable), platform.python_version(), sys.implementation.name, sysconfig.get_platform(),
      libc or "unknown", sysconfig.get_config_var("Py_GIL_DISABLED") or 0, ",".join(has) or "-", sep=t)' 2>/dev/null) || continue
        case " $seen " in *" ${said%%"$tab"*} "*) continue ;; esac
        seen="$seen ${said%%"$tab"*}"
        printf 'python\t%s\t%s\n' "$found" "${said#*"$tab"}"
    done
}

look_units() {
    if has_manager; then
        fact manager systemd
        for unit in wezterm-mux-server.service wa.service; do
            fact "enabled $unit" "$(manager is-enabled "$unit" 2>/dev/null)"
            fact "active $unit" "$(manager is-active "$unit" 2>/dev/null)"
        done
    elif [ "$(uname -s)" = Darwin ] && have launchctl; then
        if bounded 10 launchctl print "gui/$uid" >/dev/null 2>&1; then fact manager launchd; fi
        for label in org.wezterm-automata.wezterm-mux-server org.wezterm-automata.wa; do
            if bounded 10 launchctl print "gui/$uid/$label" >/dev/null 2>&1; then fact "active $label" active; fi
        done
    elif have systemctl; then
        fact manager_trouble "$(manager show --property=Version 2>&1 | tail -n 1)"
    fi
    if have loginctl; then
        fact lingering "$(bounded 10 loginctl show-user "$(id -un)" --property=Linger 2>/dev/null | sed -n 's/^Linger=//p')"
    fi
    if [ -e "/var/lib/systemd/linger/$(id -un)" ]; then fact linger_file yes; fi
}

# Without touching its time of reading, where dd can.
content_of() { dd if="$1" iflag=noatime bs=65536 2>/dev/null || cat "$1"; }

encoded() {
    if have base64; then
        content_of "$1" | base64 | tr -d '\n'
    else
        content_of "$1" | openssl base64 -A
    fi
}

# A file is told as: absent, or its mode, its time and its content.
look_file() {
    path=$1
    case $path in '~/'*) path=$HOME/${path#'~/'} ;; esac
    if [ ! -e "$path" ]; then
        printf 'file\t%s\tabsent\n' "$1"
    elif [ ! -f "$path" ] || [ ! -r "$path" ]; then
        printf 'file\t%s\tunreadable\n' "$1"
    elif [ "$(content_of "$path" | wc -c)" -gt 1048576 ]; then
        printf 'file\t%s\ttoo-large\n' "$1"
    else
        printf 'file\t%s\theld\t%s\t%s\n' "$1" "$(mode_of "$path")" "$(encoded "$path")"
    fi
}

look() {
    fact system "$(uname -s)"
    fact arch "$(uname -m)"
    if [ -r /etc/os-release ]; then
        fact distribution "$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')"
        fact like "$(sed -n 's/^ID_LIKE=//p' /etc/os-release | tr -d '"')"
        fact release "$(sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"')"
        fact named "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"')"
    elif have sw_vers; then
        fact distribution macos
        fact release "$(sw_vers -productVersion)"
    fi
    fact user "$(id -un)"
    fact uid "$uid"
    fact home "$HOME"
    fact shell "${SHELL:-}"
    fact data "$data"
    fact runtime "${XDG_RUNTIME_DIR:-}"
    fact free_kb "$(df -Pk "$HOME" 2>/dev/null | sed -n '2s/  */ /gp' | cut -d ' ' -f 4)"
    look_wezterm
    look_pythons
    look_units
    if [ -x "$data/venv/bin/wa" ]; then
        fact wa "$(bounded 20 "$data/venv/bin/wa" --version 2>/dev/null)"
        fact wa_digest "$(cat "$data/venv/.wa-wheels" 2>/dev/null)"
    fi
    all_plans | while IFS= read -r line; do
        fact plan "$line $(sed -n 's/^ *"command": "\(.*\)",*$/\1/p' "$setup/${line%% *}/plan.json" | head -n 1)"
    done
    for asked; do look_file "$asked"; done
}

# ---- files -----------------------------------------------------------------------------------------------------------

mode_of() { stat -L -c %a "$1" 2>/dev/null || stat -L -f %Lp "$1"; }

owner_of() { stat -L -c '%u %g' "$1" 2>/dev/null || stat -L -f '%u %g' "$1"; }

# Nanoseconds since 1970, as exact as the tool is; $2: Y (modified) or X (read).
time_of() {
    if found=$(stat -L -c "%.9$2" "$1" 2>/dev/null); then
        case $found in
            *.*) printf '%s%s\n' "${found%.*}" "${found#*.}" ;;
            *) printf '%s000000000\n' "$found" ;;
        esac
    elif [ "$2" = Y ]; then
        stat -L -f %m000000000 "$1"
    else
        stat -L -f %a000000000 "$1"
    fi
}

digest_of() {
    if have sha256sum; then
        sha256sum <"$1" | cut -d ' ' -f 1
    elif have shasum; then
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 <"$1" | sed 's/.* //'
    fi
}

# sync with a name writes out that file (coreutils 8.24, busybox 1.33); others write out everything.
flush() { sync "$1" 2>/dev/null || sync; }

resolve() {
    found=$1
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        [ -L "$found" ] || break
        link=$(readlink "$found")
        case $link in
            /*) found=$link ;;
            *) found=${found%/*}/$link ;;
        esac
    done
    [ ! -L "$found" ] || return 1
    printf '%s\n' "$found"
}

# The folders above $1 that do not exist, innermost first.
missing_folders() {
    above=${1%/*}
    while [ -n "$above" ] && [ ! -d "$above" ]; do
        printf '%s\n' "$above"
        above=${above%/*}
    done
}

make_folders() { (umask "$user_mask" && mkdir -p -- "$1"); }

same() {
    if [ -e "$1" ] && [ -e "$2" ]; then
        cmp -s "$1" "$2"
    else
        [ ! -e "$1" ] && [ ! -e "$2" ]
    fi
}

is_read_only() {
    case $(mode_of "$1") in
        [0145]?? | ?[0145]??) return 0 ;;
    esac
    return 1
}

# The value of $1 in done.$2.
kept() { printf '%b\n' "$(sed -n "s/^$1=//p" "$dir/done.$2" 2>/dev/null | head -n 1)"; }

# Names as they stand in a value.
escaped() { sed -e 's/\\/\\\\/g' -e "s/$tab/\\\\t/g"; }

# ---- the journal -----------------------------------------------------------------------------------------------------

note() {
    # Where the disk was full in the middle of a line, the next one begins anew.
    if [ -n "$(tail -c 1 "$dir/journal" 2>/dev/null)" ]; then echo >>"$dir/journal" || return 1; fi
    printf '%s\n' "$*" >>"$dir/journal" && flush "$dir/journal"
}

noted() { grep -q "^$1\$" "$dir/journal" 2>/dev/null; }

# Every field of a line of `steps`, undone, into the words of the caller: next_field takes one off $rest.
next_field() {
    field=${rest%%"$tab"*}
    case $rest in
        *"$tab"*) rest=${rest#*"$tab"} ;;
        *) rest= ;;
    esac
    field=$(printf '%b.' "$field")
    field=${field%.}
}

# ---- a file ----------------------------------------------------------------------------------------------------------

file_path() {
    next_field
    path=$field
    case $path in '~/'*) path=$HOME/${path#'~/'} ;; esac
    next_field
    mode=$field
    next_field
    block=$field
}

apply_file() {
    file_path
    case $path in *"$newline"*) why="a path with a line break" && return 1 ;; esac
    if ! target=$(resolve "$path"); then why="$path is a link in a circle" && return 1; fi
    if [ -e "$target" ] && [ ! -f "$target" ]; then why="$path is no file" && return 1; fi
    before=$dir/before.$n
    after=$dir/after.$n
    stamp=$dir/stamp.$n
    part=${target%/*}/.wa-$id-$n
    if [ -e "$target" ] && [ ! -e "$stamp" ]; then
        # Before the file is read, for that changes its time of reading.
        touch -r "$target" "$stamp" || { why="no room for the journal" && return 1; }
    fi
    verdict=0
    if same "$target" "$after"; then
        verdict=2
    elif ! same "$target" "$before"; then
        why="$path was changed meanwhile"
        verdict=5
    elif [ -e "$target" ] && is_read_only "$target"; then
        why="$path is read-only"
        verdict=1
    fi
    if [ "$verdict" != 0 ]; then
        if [ -e "$stamp" ]; then touch -a -r "$stamp" "$target"; fi
        return "$verdict"
    fi
    if noted "$n begun"; then
        : # interrupted the last time: what is written down was true before it
    elif ! {
        if [ -e "$target" ]; then
            owner=$(owner_of "$target")
            printf 'existed=1\nmode=%s\nuid=%s\ngid=%s\n' "$(mode_of "$target")" "${owner% *}" "${owner#* }"
            printf 'mtime_ns=%s\natime_ns=%s\n' "$(time_of "$stamp" Y)" "$(time_of "$stamp" X)"
        else
            printf 'existed=0\n'
        fi
        printf 'target=%s\n' "$target" | escaped
        if [ -e "$after" ]; then
            printf 'sha256=%s\n' "$(digest_of "$after")"
            missing_folders "$target" | escaped | sed 's/^/folder=/'
        fi
    } >"$dir/done.$n" || ! flush "$dir/done.$n" || [ -z "$(kept target "$n")" ] || ! note "$n begun"; then
        why="no room for the journal"
        return 1
    fi
    if [ ! -e "$after" ]; then
        if ! rm -f -- "$target"; then why="$path cannot be removed" && return 1; fi
        return 0
    fi
    if ! make_folders "${target%/*}"; then why="${target%/*} cannot be made" && return 1; fi
    if write_part "$after" "$target" "$mode" && mv -f -- "$part" "$target"; then
        flush "$target"
        return 0
    fi
    rm -f -- "$part"
    why="$path cannot be written"
    return 1
}

# $1 into $part, with mode and owner of $2 where it exists, else with mode $3.
write_part() {
    rm -f -- "$part"
    if [ -e "$2" ]; then
        cp -p -- "$2" "$part" && cat "$1" >"$part"
    else
        (umask 077 && cat "$1" >"$part") && if [ "$3" = - ]; then chmod 644 "$part"; else chmod "$3" "$part"; fi
    fi && cmp -s "$1" "$part" && flush "$part"
}

undo_file() {
    file_path
    target=$(kept target "$n")
    [ -n "$target" ] || return 0 # it was not touched
    part=${target%/*}/.wa-$id-$n
    rm -f -- "$part"
    before=$dir/before.$n
    if [ "$(kept existed "$n")" = 1 ]; then
        if ! same "$target" "$before"; then
            if ! is_ours "$target"; then
                take_block "$target" && return 0
                why="$path was changed since"
                return 5
            fi
            if ! { make_folders "${target%/*}" && write_part "$before" "$target" - && mv -f -- "$part" "$target"; }; then
                rm -f -- "$part"
                why="$path cannot be written back; what it was lies in $before"
                return 5
            fi
        fi
        chmod "$(kept mode "$n")" "$target"
        if [ "$uid" = 0 ]; then chown "$(kept uid "$n"):$(kept gid "$n")" "$target"; fi
        touch -r "$dir/stamp.$n" "$target"
    else
        if [ -e "$target" ]; then
            if ! is_ours "$target"; then
                take_block "$target" && return 0
                why="$path was changed since"
                return 5
            fi
            rm -f -- "$target" || { why="$path cannot be removed" && return 5; }
        fi
        sed -n 's/^folder=//p' "$dir/done.$n" | while IFS= read -r folder; do
            folder=$(printf '%b' "$folder")
            if [ -d "$folder" ] && ! rmdir -- "$folder" 2>/dev/null; then break; fi
        done
    fi
    return 0
}

is_ours() {
    if [ -e "$1" ]; then
        [ "$(digest_of "$1")" = "$(kept sha256 "$n")" ]
    else
        [ -z "$(kept sha256 "$n")" ]
    fi
}

# Where the user edited the file since, wa's own lines are taken out and the rest stays.
take_block() {
    [ "$block" != - ] && [ -f "$1" ] || return 1
    B=$block awk '
        BEGIN { b = ENVIRON["B"] }
        { line = $0; sub(/^[ \t]*(#|--)[ \t]*/, "", line) }
        !inside && index(line, "wa " b ": begin") == 1 { inside = 1; next }
        inside && index(line, "wa " b ": end") == 1 { inside = 0; taken = 1; next }
        !inside { print }
        END { exit (inside || !taken) }' "$1" >"$dir/edited.$n" || return 1
    write_part "$dir/edited.$n" "$1" - && mv -f -- "$part" "$1"
}

# ---- a program -------------------------------------------------------------------------------------------------------

# Takes a count and as many words off $rest and calls `$1 WORD...`; with no words it returns 100.
with_words() {
    then=$1
    next_field
    count=$field
    set --
    while [ "$count" -gt 0 ]; do
        next_field
        set -- "$@" "$field"
        count=$((count - 1))
    done
    [ $# -gt 0 ] || return 100
    "$then" "$@"
}

skip() { :; }

ask() { bounded "$within" "$@" >/dev/null 2>&1; }

perform() { bounded "$within" "$@" >"$dir/output.$n" 2>&1; }

run_fields() {
    next_field
    within=$field
    next_field
    may_fail=$field
}

apply_run() {
    run_fields
    words=$rest
    with_words skip
    holds=$rest
    with_words ask
    case $? in
        0) return 2 ;;
        100) asks= ;;
        *) asks=1 ;;
    esac
    note "$n begun" || { why="no room for the journal" && return 1; }
    rest=$words
    with_words perform
    status=$?
    if [ -n "$asks" ] && [ "$status" = 0 ]; then
        for _ in 1 2 3 4 5 6 7 8 9 10; do # a server needs a moment until it listens
            rest=$holds
            with_words ask && return 0
            sleep 0.3
        done
        status=1
    fi
    [ "$status" != 0 ] || return 0
    why=$(tail -n 3 "$dir/output.$n" 2>/dev/null)
    if [ "$status" = 124 ]; then why="it took longer than $within s"; fi
    if [ -z "$why" ]; then why="it failed with status $status"; fi
    if [ "$may_fail" = 1 ]; then return 6; fi
    return 1
}

undo_run() {
    run_fields
    with_words skip
    with_words skip
    with_words perform
    case $? in
        0) return 0 ;;
        100) return 7 ;;
    esac
    why=$(tail -n 3 "$dir/output.$n" 2>/dev/null)
    return 5
}

# ---- a unit ----------------------------------------------------------------------------------------------------------

unit_fields() {
    next_field
    unit=$field
    next_field
    kind=$field
    next_field
    starts=$field
    next_field
    stops=$field
    next_field
    unit_file=$field
    case $unit_file in '~/'*) unit_file=$HOME/${unit_file#'~/'} ;; esac
}

is_enabled() {
    if [ "$kind" = systemd ]; then
        [ "$(manager is-enabled "$unit" 2>/dev/null)" = enabled ]
    else
        [ -e "$unit_file" ] && ! bounded 10 launchctl print-disabled "gui/$uid" 2>/dev/null | grep -Eq "\"$unit\" => (true|disabled)"
    fi
}

is_active() {
    if [ "$kind" = systemd ]; then
        [ "$(manager is-active "$unit" 2>/dev/null)" = active ]
    else
        bounded 10 launchctl print "gui/$uid/$unit" >/dev/null 2>&1
    fi
}

# Its own condition kept it from starting: a server runs already.
was_skipped() { [ "$(manager show --property=Result "$unit" 2>/dev/null)" = Result=exec-condition ]; }

apply_unit() {
    unit_fields
    was_enabled=0
    was_active=0
    if is_enabled; then was_enabled=1; fi
    if is_active; then was_active=1; fi
    if [ "$was_enabled" = 1 ] && { [ "$starts" = 0 ] || [ "$was_active" = 1 ]; }; then
        # Its file may be new.
        if [ "$kind" = systemd ]; then manager daemon-reload >/dev/null 2>&1; fi
        return 2
    fi
    if ! noted "$n begun" && ! { printf 'was_enabled=%s\nwas_active=%s\n' "$was_enabled" "$was_active" >"$dir/done.$n" &&
        flush "$dir/done.$n" && note "$n begun"; }; then
        why="no room for the journal"
        return 1
    fi
    if [ "$kind" = systemd ]; then
        if ! manager daemon-reload >"$dir/output.$n" 2>&1 || ! manager enable "$unit" >"$dir/output.$n" 2>&1; then
            why=$(tail -n 3 "$dir/output.$n")
            return 1
        fi
        if [ "$starts" = 0 ] || [ "$was_active" = 1 ]; then return 0; fi
        if ! manager start "$unit" >"$dir/output.$n" 2>&1 && ! was_skipped; then
            why="it does not start: $(tail -n 1 "$dir/output.$n")"
            return 1
        fi
        # A server that ends at once has been started all the same.
        for _ in 1 2 3; do
            if ! is_active; then
                if was_skipped; then return 0; fi
                why="it started and ended; \`journalctl --user -u $unit\` says why"
                return 1
            fi
            sleep 0.4
        done
        return 0
    fi
    bounded 20 launchctl enable "gui/$uid/$unit" >"$dir/output.$n" 2>&1
    if [ "$starts" = 1 ] && ! bounded 20 launchctl bootstrap "gui/$uid" "$unit_file" >"$dir/output.$n" 2>&1; then
        why=$(tail -n 3 "$dir/output.$n")
        return 1
    fi
    return 0
}

undo_unit() {
    unit_fields
    if [ "$kind" = systemd ]; then
        if [ "$(kept was_active "$n")" = 0 ] && [ "$stops" = 1 ]; then manager stop "$unit" >/dev/null 2>&1; fi
        if [ "$(kept was_enabled "$n")" = 0 ]; then manager disable "$unit" >/dev/null 2>&1; fi
        reload=1
    elif [ "$(kept was_active "$n")" = 0 ] && [ "$stops" = 1 ]; then
        bounded 20 launchctl bootout "gui/$uid/$unit" >/dev/null 2>&1
    fi
    return 0
}

# ---- a plan ----------------------------------------------------------------------------------------------------------

is_id() {
    case $1 in
        *[!0-9a-f-]* | '' | -*) return 1 ;;
    esac
}

state_of() {
    last=$(tail -n 1 "$1/journal" 2>/dev/null)
    case $last in
        finished) echo finished ;;
        undone) echo undone ;;
        '') echo received ;;
        undo | *' undone' | *' conflict '*) echo undoing ;;
        *) echo begun ;;
    esac
}

all_plans() {
    for folder in "$setup"/*/; do
        folder=${folder%/}
        if [ -e "$folder/steps" ]; then printf '%s %s\n' "${folder##*/}" "$(state_of "$folder")"; fi
    done
}

resume() { all_plans | sed '/ finished$/d'; }

lock() {
    if mkdir "$setup/.lock" 2>/dev/null; then
        echo $$ >"$setup/.lock/pid"
        return 0
    fi
    holder=$(cat "$setup/.lock/pid" 2>/dev/null)
    if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then return 1; fi
    rm -rf "$setup/.lock"
    mkdir "$setup/.lock" && echo $$ >"$setup/.lock/pid"
}

# What an interrupted copy left behind goes: folders of processes that are no more.
sweep() {
    for folder in "$setup"/.in-*/; do
        [ -d "$folder" ] || continue
        process=${folder%/}
        process=${process##*.in-}
        if [ "$process" = $$ ] || ! kill -0 "$process" 2>/dev/null; then rm -rf "$folder"; fi
    done
}

leave() {
    rm -rf "$setup/.lock"
    sweep
    # What is empty again, and above it what was made for a plan.
    rmdir "$setup" "$data" 2>/dev/null
    if [ -n "${made-}" ]; then
        printf '%s\n' "$made" | while IFS= read -r folder; do
            if [ -d "$folder" ] && ! rmdir -- "$folder" 2>/dev/null; then break; fi
        done
    fi
}

fail() {
    printf 'trouble %s\n' "$(flat "$1")"
    leave
    finish "$2"
}

finish() {
    printf '<wa-end>\n'
    exit "$1"
}

receive() {
    in=$setup/.in-$$
    said=$({ umask 077 && mkdir "$in" && cd "$in" && tar xf -; } 2>&1)
    if [ ! -e "$in/$id/complete" ]; then
        said=$(printf '%s\n' "$said" | sed -n '/space/p;$p' | head -n 1)
        fail "the plan did not arrive whole: ${said:-the copy was cut off}" 1
    fi
    rm -f "$in/$id/complete"
    if ! { { [ -z "$made" ] || printf '%s\n' "$made" >"$in/$id/made"; } && [ -s "$in/$id/steps" ] && mv "$in/$id" "$dir"; }; then
        fail "the plan did not arrive whole: no room in $setup" 1
    fi
    rm -rf "$in"
}

begin_work() {
    id=$1
    if ! is_id "$id"; then fail "$id is no plan" 3; fi
    dir=$setup/$id
    # Told to go on, whoever listens: a lost connection ends nothing half-way. Its children do not inherit a handler.
    trap : HUP PIPE
    trap 'stopped=1' INT TERM
}

step() {
    rest=$(sed -n "${1}p" "$dir/steps")
    next_field
    action=$field
    next_field
    n=$field
    why=
}

apply() {
    begin_work "$1"
    made=
    if [ ! -d "$dir" ]; then
        made=$(missing_folders "$setup/x")
        if ! { make_folders "${data%/*}" && (umask 077 && mkdir -p -- "$setup"); }; then fail "$setup cannot be made" 1; fi
    fi
    if ! lock; then
        printf 'trouble another wa is at work on this machine (process %s)\n' "$holder"
        finish 1
    fi
    sweep
    if [ ! -d "$dir" ]; then receive; fi
    made=
    case $(state_of "$dir") in
        finished)
            leave
            echo "state finished"
            return 0
            ;;
        undone | undoing)
            leave
            echo "trouble the plan was being taken back"
            return 5
            ;;
        received)
            # Room for the lines that say what was taken back, should the disk be full by then.
            if ! dd if=/dev/zero of="$dir/reserve" bs=1024 count=64 2>/dev/null || ! note begin; then
                made=$(cat "$dir/made" 2>/dev/null)
                rm -rf "$dir"
                fail "no room for the journal in $setup" 1
            fi
            ;;
    esac
    total=$(grep -c . "$dir/steps")
    number=1
    while [ "$number" -le "$total" ]; do
        step "$number"
        number=$((number + 1))
        if noted "$n done" || noted "$n holds"; then
            if noted "$n done"; then tell "$n" "done"; else tell "$n" holds; fi
            continue
        fi
        if [ -n "$stopped" ]; then
            result=1
            why="it was told to stop"
        else
            "apply_$action"
            result=$?
        fi
        case $result in
            0) word="done" ;;
            2) word=holds ;;
            6)
                note "$n failed $(flat "$why")"
                tell "$n" failed "$why"
                continue
                ;;
            5) word=conflict ;;
            *) word=failed ;;
        esac
        # What is done but cannot be noted as done is taken back.
        if [ "$word" = "done" ] || [ "$word" = holds ]; then
            if note "$n $word"; then
                tell "$n" "$word"
                continue
            fi
            word=failed
            why="no room for the journal"
        fi
        rm -f "$dir/reserve"
        note "$n $word $(flat "$why")"
        tell "$n" "$word" "$why"
        failed=$n
        take_back
        if [ "$word" = conflict ]; then return 5; fi
        return 1
    done
    rm -rf "$dir"/after.* "$dir"/wheels "$dir"/output.* "$dir"/reserve
    if ! note finished; then
        take_back
        return 1
    fi
    leave
    echo "state finished"
}

take_back() {
    rm -rf "$dir/reserve" "$dir/wheels"
    note undo
    conflicts=
    reload=
    number=$(grep -c . "$dir/steps")
    while [ "$number" -gt 0 ]; do
        step "$number"
        number=$((number - 1))
        if ! noted "$n begun" || noted "$n undone"; then continue; fi
        "undo_$action"
        case $? in
            0)
                note "$n undone"
                [ "$n" = "${failed-}" ] || tell "$n" undone
                ;;
            7)
                note "$n undone"
                [ "$n" = "${failed-}" ] || tell "$n" "done" "there is no way back from it"
                ;;
            *)
                note "$n conflict $(flat "$why")"
                tell "$n" conflict "$why"
                conflicts=1
                ;;
        esac
    done
    if [ -n "$reload" ]; then manager daemon-reload >/dev/null 2>&1; fi
    if [ -n "$conflicts" ]; then
        leave
        echo "state undoing"
        return 5
    fi
    note undone
    made=$(cat "$dir/made" 2>/dev/null)
    if [ -n "$made" ]; then
        # The last plan to go takes the folders along that the first one made.
        for folder in "$setup"/*/; do
            if [ "$folder" = "$dir/" ] || [ ! -d "$folder" ] || [ -s "$folder/made" ]; then continue; fi
            printf '%s\n' "$made" >"$folder/made"
            made=
            break
        done
    fi
    rm -rf "$dir"
    leave
    echo "state undone"
}

undo() {
    begin_work "$1"
    if [ ! -d "$dir" ]; then
        echo "trouble there is no plan $id"
        return 3
    fi
    if ! lock; then
        printf 'trouble another wa is at work on this machine (process %s)\n' "$holder"
        return 1
    fi
    take_back
}

# ---- wa itself -------------------------------------------------------------------------------------------------------

# install PYTHON DIGEST ID: from the wheels of the plan, without network, into a virtual environment of its own.
install() {
    python=$1
    place=$data/venv-$2
    dir=$setup/$3
    if [ -e "$data/venv" ] && [ ! -L "$data/venv" ]; then
        echo "$data/venv is not wa's own: move it away" >&2
        return 1
    fi
    if [ "$(cat "$place/.wa-wheels" 2>/dev/null)" != "$2" ]; then
        rm -rf "$place"
        set -- "$2" "$dir"/wheels/pip-*.whl
        if ! said=$({ "$python" -m venv --without-pip "$place" &&
            "$place/bin/python" -I "$2/pip" install --quiet --no-index --no-deps --no-cache-dir --disable-pip-version-check \
                --require-hashes --find-links "$dir/wheels" --requirement "$dir/wheels/requirements.txt" &&
            "$place/bin/python" -I -c 'import wa.engine.daemon, wa.surfaces.app' && printf '%s\n' "$1" >"$place/.wa-wheels"; } 2>&1); then
            # First there must be room to say why.
            rm -rf "$place"
            printf '%s\n' "$said" | sed '/^ *$/d' | tail -n 2 >&2
            return 1
        fi
    fi
    before=$(readlink "$data/venv" 2>/dev/null)
    if ! printf '%s\n' "$before" >"$dir/venv.before" || ! ln -sfn "${place##*/}" "$data/venv"; then return 1; fi
    # The one before stays for the way back; older ones go.
    for old in "$data"/venv-*/; do
        case ${old%/} in "$place" | "$data/$before") ;; *) rm -rf "$old" ;; esac
    done
}

# A sidecar that runs from $1 and is of no unit: its program is about to go.
stop_from() {
    # shellcheck disable=SC2016 # Python
    pid=$(bounded 20 "$1/bin/python" -I -m wa status --json 2>/dev/null |
        "$1/bin/python" -I -c 'import json, sys; print(json.load(sys.stdin)["data"]["sidecar"]["pid"] or "")' 2>/dev/null)
    case $pid in '' | *[!0-9]*) return ;; esac
    case $(ps -o args= -p "$pid" 2>/dev/null) in
        "$1/"*) bounded 30 "$1/bin/python" -I -m wa stop >/dev/null 2>&1 ;;
    esac
}

# uninstall DIGEST ID: back to the environment before, or to none.
uninstall() {
    dir=$setup/$2
    if [ -x "$data/venv-$1/bin/python" ]; then stop_from "$data/venv-$1"; fi
    before=$(cat "$dir/venv.before" 2>/dev/null)
    if [ "$(readlink "$data/venv" 2>/dev/null)" = "venv-$1" ]; then
        rm -f "$data/venv"
        if [ -n "$before" ] && [ -d "$data/$before" ]; then ln -s "$before" "$data/venv"; fi
    fi
    if [ "$before" != "venv-$1" ]; then rm -rf "$data/venv-$1"; fi
}

main() {
    set_paths
    command=${1-}
    [ $# = 0 ] || shift
    case $command in
        install | uninstall)
            "$command" "$@"
            exit
            ;;
        look | apply | undo | resume) printf '<wa-begin>\n' ;;
        *)
            echo "sh bootstrap.sh look [FILE...] | apply ID | undo ID | resume" >&2
            exit 2
            ;;
    esac
    "$command" "$@"
    finish $?
}

main "$@"
