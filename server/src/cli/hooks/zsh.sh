# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if [[ -n ${TMUX_PANE:-} ]]; then
  __muxboard_says() {
    tmux set-option -p -t "$TMUX_PANE" @muxboard_state "$1 @$(date +%s)" 2>/dev/null || true
  }
  __muxboard_begins() {
    __muxboard_began=$SECONDS
    __muxboard_says working
  }
  __muxboard_ended() {
    local code=$?
    [[ -n ${__muxboard_began:-} ]] || return 0
    if ((SECONDS - __muxboard_began < ${MUXBOARD_AFTER:-30})); then
      tmux set-option -pu -t "$TMUX_PANE" @muxboard_state 2>/dev/null || true
    elif ((code == 0)); then
      __muxboard_says done
    else
      __muxboard_says "failed Status $code"
    fi
    unset __muxboard_began
  }
  autoload -Uz add-zsh-hook
  add-zsh-hook preexec __muxboard_begins
  add-zsh-hook precmd __muxboard_ended
fi
