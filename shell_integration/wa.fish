# What fish tells wa and the terminal: prompts, folders, commands. Source it last in config.fish; README.md lists every sequence.
# After the start only builtins run. Works on fish 3.2 and newer.

status is-interactive; and test -t 0; or return 0
test "$__wa_shell" = $fish_pid; and return 0
set -q STY; or set -q INSIDE_EMACS; and return 0
string match -qr '^(dumb|linux|eterm.*|)$' -- "$TERM"; and return 0
string match -qr '(^|[, ])all([, ]|$)' -- "$WA_SHELL_SKIP"; and return 0

set -g --unexport __wa_shell $fish_pid
set -g --unexport __wa_version 0.1.0
set -g --unexport __wa_tty (tty 2>/dev/null)
set -g --unexport __wa_n 0
set -g --unexport __wa_told 0
set -g --unexport __wa_skip
set -g --unexport __wa_skip_by
set -g --unexport __wa_cwd_of
set -g --unexport __wa_cwd
set -e __wa_greeted

# The eight bits of each byte from 1 on, and the letter of each six bits: base64 takes a few calls, however long the text.
set -g --unexport __wa_bits 0 1
for __wa_i in 2 3 4 5 6
    set __wa_bits 0$__wa_bits 1$__wa_bits
end
for __wa_i in (string split '' ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
    set -g --unexport __wa_b64_$__wa_bits[1] $__wa_i
    set -e __wa_bits[1]
end
set -g --unexport __wa_bits 0 1
for __wa_i in 2 3 4 5 6 7 8
    set __wa_bits 0$__wa_bits 1$__wa_bits
end
set -e __wa_bits[1] # no text holds the byte 0
set -e __wa_i

function __wa_base64 # TEXT, or BYTE… with each an ASCII character or %XX
    set -l codes
    if set -q argv[2]
        set codes (builtin printf '%d\n' (string replace -r '^%' 0x -- (string replace -r '^(.)$' '\'$1' -- $argv)))
    else
        set codes (builtin printf '%d\n' \'(string split '' -- $argv))
    end
    set -l sixes (string match -ra '.{1,6}' -- (string join '' -- $__wa_bits[$codes]))
    set -l end
    switch $sixes[-1]
        case '??'
            set sixes[-1] $sixes[-1]0000
            set end ==
        case '????'
            set sixes[-1] $sixes[-1]00
            set end =
    end
    set sixes __wa_b64_$sixes
    string join '' -- $$sixes $end
end

function __wa_clip # TEXT: its bytes, at most 1,024 of UTF-8; status 1: there was more
    # One match for each character; the terminal drops a value with any byte that is no UTF-8.
    set -l valid '%[0-7].|[^%]|%(?:C[2-9A-F]|D.)%[89AB].|%E0%[AB].%[89AB].|%E[1-9A-CEF](?:%[89AB].){2}|%ED%[89].%[89AB].'
    set valid $valid'|%F0%[9AB].(?:%[89AB].){2}|%F[1-3](?:%[89AB].){3}|%F4%8.(?:%[89AB].){2}|%..'
    set -l text (string sub -l 1025 -- "$argv" | string collect)
    set -l characters (string match -ra $valid -- (string escape --style=url -- $text))
    set -l bytes (string match -ra '%..|.' -- (string join '' -- (string replace -r '^%[89A-F].$' %3F -- $characters)))
    if test (count $bytes) -le 1024
        string join \n -- $bytes
        return 0
    end
    set -l last 1024
    if string match -qr '^%[89AB]' -- $bytes[1025] # the character at the cut goes with it
        while string match -qr '^%[89AB]' -- $bytes[$last]
            set last (math $last - 1)
        end
        set last (math $last - 1)
    end
    string join \n -- $bytes[1..$last]
    return 1
end

function __wa_look # What shall not be said now, into __wa_skip
    set -l by "$WA_SHELL_SKIP $TMUX $TERM"
    test "$by" = "$__wa_skip_by"; and return
    set -g __wa_skip_by $by
    set -g __wa_skip (string split -n ' ' -- (string replace -a , ' ' -- "$WA_SHELL_SKIP"))
    # fish 4 marks the prompt itself; tmux knows the others, not 1337.
    string match -qr '^([4-9]|\d\d)' -- $version; and set -a __wa_skip marks
    if set -q TMUX; or string match -qr '^(tmux|screen)' -- "$TERM"
        set -a __wa_skip vars
    end
end

function __wa_preexec --on-event fish_preexec
    set -g __wa_n (math $__wa_n + 1)
    set -g __wa_told 1
    test -t 1; or return
    contains marks $__wa_skip; or builtin printf '\e]133;C\a'
    contains vars $__wa_skip; and return
    set -l told n=$__wa_n\;
    if string match -qr '^[!-~][ -~]{0,1023}$' -- "$argv"
        set told "$told"c="$argv"
    else if string match -qr '^[^ \t]' -- "$argv"
        set -l bytes (__wa_clip "$argv")
        test $status = 0; and set -p bytes c =; or set -p bytes c u t = 1 \; c =
        set told (string split '' -- $told) $bytes
    end
    # The first is for who began to watch since.
    builtin printf '%s\e]1337;SetUserVar=WA_CMD=%s%s\a' "$__wa_hello" $__wa_head (__wa_base64 $told)
end

function __wa_postexec --on-event fish_postexec
    set -l code $status
    set -l ms $CMD_DURATION
    test $__wa_told = 1; and test -t 1; or return
    set -g __wa_told 0
    contains marks $__wa_skip; or builtin printf '\e]133;D;%d\a' $code
    contains vars $__wa_skip; and return
    builtin printf '\e]1337;SetUserVar=WA_DONE=%s%s\a' $__wa_head (__wa_base64 "n=$__wa_n;e=$code;d=$ms")
end

function __wa_before_prompt --on-event fish_prompt --on-event fish_cancel # Ctrl-C makes no new one, but shows it anew
    __wa_look
    test -t 1; or return
    if not set -q __wa_greeted; and not contains vars $__wa_skip
        set -g __wa_greeted 1
        set -l said "v=1;t=$__wa_token;shell=fish;pid=$fish_pid;tty=$__wa_tty;host=$hostname;wa=$__wa_version"
        set -g --unexport __wa_hello (builtin printf '\e]1337;SetUserVar=WA_PANE=%s\a' (__wa_base64 $said))
        builtin printf %s $__wa_hello
    end
    if not contains cwd $__wa_skip
        if test "$__wa_cwd_of" != "$PWD"
            set -g __wa_cwd_of $PWD
            set -g __wa_cwd (string escape --style=url -- $PWD)
        end
        builtin printf '\e]7;file://%s%s\a' $hostname "$__wa_cwd"
    end
    contains marks $__wa_skip; and return
    builtin printf '\e]133;A\a'
    # Somebody has made the prompt anew.
    set -l about (functions -Dv fish_prompt)
    if test "$about[5]" != 'wa: marks around __wa_their_prompt'
        functions -e __wa_their_prompt
        functions -c fish_prompt __wa_their_prompt; or return
        __wa_wrap
    end
end

function __wa_wrap
    function fish_prompt --description 'wa: marks around __wa_their_prompt'
        set -l wa_status $status
        set -l wa_statuses $pipestatus
        if contains marks $__wa_skip
            __wa_their $wa_status $wa_statuses
            return
        end
        # As lines: what follows a last newline would be a line of the prompt.
        set -l lines (__wa_their $wa_status $wa_statuses)
        set -q lines[1]; or set lines ''
        set lines[1] \e']133;P;k=i'\a$lines[1]
        set lines[-1] $lines[-1]\e']133;B'\a
        builtin printf '%s\n' $lines
    end
end

function __wa_their # STATUS PIPESTATUS…: the user's prompt, which sees these
    if set -q argv[3]
        eval (string join ' | ' -- '__wa_return '$argv[2..])';__wa_their_prompt'
    else
        __wa_return $argv[1]
        __wa_their_prompt
    end
end

function __wa_return
    return $argv[1]
end

begin
    set -l uuid
    if test -r /proc/sys/kernel/random/uuid
        read uuid </proc/sys/kernel/random/uuid
    else
        set uuid (builtin printf %08x (random 0 4294967295) (random 0 4294967295) (random 0 4294967295))
    end
    set -g --unexport __wa_hello ''
    set -g --unexport __wa_token (string sub -l 24 -- (string replace -a - '' -- "$uuid"))
    # 27 bytes: what follows begins a new group of three.
    set -g --unexport __wa_head (__wa_base64 "t=$__wa_token;")
end
