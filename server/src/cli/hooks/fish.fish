# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if set -q TMUX_PANE
    function __muxboard_begins --on-event fish_preexec
        tmux set-option -pu -t $TMUX_PANE @muxboard_state 2>/dev/null
    end
    function __muxboard_ended --on-event fish_postexec
        set -l code $status
        set -l after 30
        set -q MUXBOARD_AFTER; and set after $MUXBOARD_AFTER
        # A command that somebody ended himself (130) has failed nobody.
        if test $CMD_DURATION -ge (math "$after * 1000"); and test $code != 130
            set -l state done
            test $code = 0; or set state "failed Status $code"
            tmux set-option -p -t $TMUX_PANE @muxboard_state "$state @"(date +%s) 2>/dev/null
        end
    end
end
