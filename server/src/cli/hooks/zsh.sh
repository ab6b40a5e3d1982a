# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if [[ -n ${TMUX_PANE:-} ]]; then
  typeset -g __muxboard_began=''
  __muxboard_begins() {
    typeset -g __muxboard_began=$SECONDS
    tmux set-option -pu -t "$TMUX_PANE" @muxboard_state 2>/dev/null || true
  }
  __muxboard_ended() {
    local code=$?
    [[ -n $__muxboard_began ]] || return 0
    # A command that somebody ended himself (130) has failed nobody.
    if ((SECONDS - __muxboard_began >= ${MUXBOARD_AFTER:-30} && code != 130)); then
      local state=done
      ((code == 0)) || state="failed Status $code"
      tmux set-option -p -t "$TMUX_PANE" @muxboard_state "$state @$(date +%s)" 2>/dev/null || true
    fi
    typeset -g __muxboard_began=''
  }
  autoload -Uz add-zsh-hook
  add-zsh-hook preexec __muxboard_begins
  add-zsh-hook precmd __muxboard_ended
fi
