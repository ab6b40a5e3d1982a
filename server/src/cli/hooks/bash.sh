# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if [ -n "${TMUX_PANE:-}" ] && [ -z "${__muxboard_empty+x}" ] && [[ ${PROMPT_COMMAND@a} != *r* ]]; then
  __muxboard_empty=''
  __muxboard_ended() {
    local status=$?
    if [ -n "${__muxboard_began:-}" ]; then
      # A command that somebody ended himself (130) has failed nobody.
      if [ $((SECONDS - __muxboard_began)) -ge "${MUXBOARD_AFTER:-30}" ] && [ "$status" != 130 ]; then
        local state=done
        [ "$status" = 0 ] || state="failed Status $status"
        tmux set-option -p -t "$TMUX_PANE" @muxboard_state "$state @$(date +%s)" 2>/dev/null || true
      fi
      unset __muxboard_began
    fi
    # What comes next in PROMPT_COMMAND may look at the status, too.
    case $- in *e*) return 0 ;; esac
    return "$status"
  }
  PROMPT_COMMAND="__muxboard_ended${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
  # Expanded before each command: notes the time, forgets what was said of the command before, and is empty.
  PS0='${__muxboard_empty:$((__muxboard_began=SECONDS,0)):0}$(tmux set-option -pu -t "$TMUX_PANE" @muxboard_state 2>/dev/null)'"${PS0:-}"
fi
