# What zsh tells wa and the terminal: prompts, folders, commands. Source it last in ~/.zshrc; README.md lists every sequence.
# Only builtins run, at start too. Works on zsh 5.0 and newer.

[[ -o interactive && -n ${TTY-} && ${__wa_shell-} != $$ && -z ${STY-} ]] || return 0
case ${TERM-}:${INSIDE_EMACS-} in :|dumb:*|linux:*|eterm*:*|*:?*) return 0 ;; esac
case ",${WA_SHELL_SKIP-}," in *[,\ ]all[,\ ]*) return 0 ;; esac

# Functions keep the aliases of the moment in which they are read.
if [[ -o aliases ]]; then
  'builtin' 'typeset' '-g' '__wa_aliases=1'
  'builtin' 'setopt' 'no_aliases'
fi

__wa_base64() { # BYTES: into __wa_out; no_multibyte is the caller's
  local s=$1 abc=$__wa_abc out='' a b c
  local -i i v n=${#1}
  for ((i = 1; i + 2 <= n; i += 3)); do
    a=${s[i]} b=${s[i+1]} c=${s[i+2]}
    v=$(((#a & 255) << 16 | (#b & 255) << 8 | #c & 255))
    out+=${abc[(v >> 18) + 1]}${abc[(v >> 12 & 63) + 1]}${abc[(v >> 6 & 63) + 1]}${abc[(v & 63) + 1]}
  done
  case $((n - i + 1)) in
    (1)
      a=${s[i]}
      v=$((#a & 255))
      out+=${abc[(v >> 2) + 1]}${abc[(v << 4 & 63) + 1]}==
      ;;
    (2)
      a=${s[i]} b=${s[i+1]}
      v=$(((#a & 255) << 8 | #b & 255))
      out+=${abc[(v >> 10) + 1]}${abc[(v >> 4 & 63) + 1]}${abc[(v << 2 & 63) + 1]}=
      ;;
  esac
  __wa_out=$out
}

__wa_url() { # PATH: percent-encoded, into __wa_out
  local s=$1 c hex
  local -i i v
  __wa_out=$s
  [[ $s == *[^A-Za-z0-9/._~-]* ]] || return 0
  __wa_out=''
  for ((i = 1; i <= ${#s}; i++)); do
    c=${s[i]}
    if [[ $c != [A-Za-z0-9/._~-] ]]; then
      v=$((#c & 255))
      hex=0$(([##16] v))
      c=%${hex[-2,-1]}
    fi
    __wa_out+=$c
  done
}

__wa_clip() { # BYTES: into __wa_text at most 1,024 of UTF-8, __wa_cut says that there was more
  local rest=${1[1,1024]} head tail=$'[\x80-\xbf]'
  local -i take
  __wa_cut='' __wa_text=''
  if ((${#1} > 1024)); then
    __wa_cut=1
    if [[ ${1[1025]} == ${~tail} ]]; then # the character at the cut goes with it
      while [[ $rest == *${~tail} ]]; do rest=${rest[1,-2]}; done
      rest=${rest[1,-2]}
    fi
  fi
  while [[ $rest == *[$'\x80'-$'\xff']* ]]; do # the terminal drops a value with any byte that is no UTF-8
    head=${rest%%[$'\x80'-$'\xff']*}
    __wa_text+=$head
    rest=${rest[${#head}+1,-1]}
    case $rest in
      ([$'\xc2'-$'\xdf']${~tail}*) take=2 ;;
      ($'\xe0'[$'\xa0'-$'\xbf']${~tail}*) take=3 ;;
      ($'\xed'[$'\x80'-$'\x9f']${~tail}*) take=3 ;;
      ([$'\xe1'-$'\xec'$'\xee'$'\xef']${~tail}${~tail}*) take=3 ;;
      ($'\xf0'[$'\x90'-$'\xbf']${~tail}${~tail}*) take=4 ;;
      ([$'\xf1'-$'\xf3']${~tail}${~tail}${~tail}*) take=4 ;;
      ($'\xf4'[$'\x80'-$'\x8f']${~tail}${~tail}*) take=4 ;;
      (*) take=0 ;;
    esac
    if ((take)); then
      __wa_text+=${rest[1,take]} rest=${rest[take+1,-1]}
    else
      __wa_text+='?' rest=${rest[2,-1]}
    fi
  done
  __wa_text+=$rest
}

__wa_words() { # What this pane shall not be told, into __wa_skip
  __wa_skip=" ${${WA_SHELL_SKIP-}//,/ } "
  # WezTerm's own script marks the prompt already.
  if ((${precmd_functions[(Ie)__wezterm_semantic_precmd]})); then __wa_skip+='marks '; fi
  # tmux knows the others, not 1337.
  if [[ -n ${TMUX-} || ${TERM-} == (tmux|screen)* ]]; then __wa_skip+='vars '; fi
}

__wa_preexec() { # LINE
  builtin emulate -L zsh
  builtin setopt no_multibyte no_xtrace
  local c='' print=''
  __wa_t0=${EPOCHREALTIME:-$SECONDS}
  __wa_running=1
  ((__wa_n++)) || :
  [[ -t 1 ]] || return 0
  [[ $__wa_skip == *' marks '* ]] || print=$'\e]133;C\a'
  if [[ $__wa_skip != *' vars '* ]]; then
    __wa_told=1
    if [[ -n $1 && $1 != [[:blank:]]* ]]; then
      __wa_clip "$1"
      c="${__wa_cut:+cut=1;}c=$__wa_text"
    fi
    __wa_base64 "n=$__wa_n;$c"
    # The first of them is for who began to watch since.
    print+=${__wa_hello}$'\e]1337;SetUserVar=WA_CMD='$__wa_head$__wa_out$'\a'
  fi
  [[ -z $print ]] || builtin print -rn -- "$print"
}

__wa_precmd() {
  local -i wa_status=$? percent=0
  if [[ -o prompt_percent ]]; then percent=1; fi
  builtin emulate -L zsh
  builtin setopt no_multibyte no_xtrace
  local print='' now=${EPOCHREALTIME:-$SECONDS}
  local -i ms
  if [[ $precmd_functions[-1] != __wa_precmd ]]; then # whoever makes the prompt comes first, from the next one on
    precmd_functions=(${precmd_functions:#__wa_precmd} __wa_precmd)
  fi
  if ((__wa_running)); then
    [[ $__wa_skip == *' marks '* ]] || print=$'\e]133;D;'$wa_status$'\a'
    if ((__wa_told)); then
      ms=$(((now - __wa_t0) * 1000))
      __wa_base64 "n=$__wa_n;e=$wa_status;d=$((ms < 0 ? 0 : ms))"
      print+=$'\e]1337;SetUserVar=WA_DONE='$__wa_head$__wa_out$'\a'
    fi
  fi
  __wa_running=0 __wa_told=0
  __wa_words
  [[ -t 1 ]] || return 0
  if [[ -z $__wa_greeted && $__wa_skip != *' vars '* ]]; then
    __wa_greeted=1
    __wa_base64 "v=1;t=$__wa_token;shell=zsh;pid=$$;tty=${TTY-};host=${HOST-};wa=$__wa_version"
    typeset -g +x __wa_hello=$'\e]1337;SetUserVar=WA_PANE='$__wa_out$'\a'
    print+=$__wa_hello
  fi
  if [[ $__wa_skip != *' cwd '* ]]; then
    if [[ $__wa_cwd_of != "$PWD" ]]; then
      __wa_url "$PWD"
      __wa_cwd_of=$PWD __wa_cwd=$'\e]7;file://'${HOST-}$__wa_out$'\a'
    fi
    print+=$__wa_cwd
  fi
  if [[ $__wa_skip != *' marks '* ]]; then
    print+=$'\e]133;A\a'
    if ((percent)); then
      [[ ${PS1-} == *"$__wa_b"* ]] || PS1=$'%{\e]133;P;k=i\a%}'${PS1-}$__wa_b
      [[ ${PS2-} == *"$__wa_b"* ]] || PS2=$'%{\e]133;P;k=s\a%}'${PS2-}$__wa_b
    fi
  fi
  [[ -z $print ]] || builtin print -rn -- "$print"
}

__wa_start() {
  builtin emulate -L zsh
  builtin setopt no_multibyte
  local uuid='' bytes='' c hex
  builtin typeset -g +x __wa_shell=$$ __wa_version=0.1.0 __wa_b=$'%{\e]133;B\a%}'
  builtin typeset -g +x __wa_abc=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
  builtin typeset -g +x __wa_out='' __wa_text='' __wa_cut='' __wa_skip='' __wa_greeted='' __wa_cwd='' __wa_cwd_of=''
  builtin typeset -g +x __wa_token='' __wa_head='' __wa_hello='' __wa_t0=0
  builtin typeset -gi +x __wa_n=0 __wa_running=0 __wa_told=0
  builtin zmodload -F zsh/datetime p:EPOCHREALTIME 2>/dev/null || :
  if { builtin read -r uuid </proc/sys/kernel/random/uuid } 2>/dev/null; then
    __wa_token=${${uuid//-/}[1,24]}
  elif builtin zmodload -F zsh/system b:sysread && builtin sysread -s 12 bytes </dev/urandom; then
    for c in ${(s::)bytes}; do
      hex=0$(([##16] #c & 255))
      __wa_token+=${(L)hex[-2,-1]}
    done
  fi 2>/dev/null
  while ((${#__wa_token} < 24)); do
    hex=0$(([##16] RANDOM & 255))
    __wa_token+=${(L)hex[-2,-1]}
  done
  __wa_base64 "t=$__wa_token;" # 27 bytes: what follows begins a new group of three
  __wa_head=$__wa_out
  builtin typeset -ga precmd_functions preexec_functions
  precmd_functions+=(__wa_precmd)
  preexec_functions+=(__wa_preexec)
}

__wa_start
'builtin' 'unfunction' '__wa_start'
if [[ -n ${__wa_aliases-} ]]; then
  'builtin' 'unset' '__wa_aliases'
  'builtin' 'setopt' 'aliases'
fi
