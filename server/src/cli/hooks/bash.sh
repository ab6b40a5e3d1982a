# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if [ -n "${TMUX_PANE:-}" ]; then
  __muxboard_empty=''
  __muxboard_says() {
    tmux set-option -p -t "$TMUX_PANE" @muxboard_state "$1 @$(date +%s)" 2>/dev/null || true
  }
  __muxboard_ended() {
    local status=$?
    if [ -n "${__muxboard_began:-}" ]; then
      if [ $((SECONDS - __muxboard_began)) -lt "${MUXBOARD_AFTER:-30}" ]; then
        tmux set-option -pu -t "$TMUX_PANE" @muxboard_state 2>/dev/null || true
      elif [ "$status" = 0 ]; then
        __muxboard_says done
      else
        __muxboard_says "failed Status $status"
      fi
      unset __muxboard_began
    fi
    return "$status"
  }
  # Expanded before each command; the first part notes the time and is empty.
  PS0='${__muxboard_empty:$((__muxboard_began=SECONDS,0)):0}$(__muxboard_says working)'"${PS0:-}"
  PROMPT_COMMAND="__muxboard_ended${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
fi
