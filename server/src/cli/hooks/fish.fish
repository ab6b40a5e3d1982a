# muxboard: a command that took long says on the board how it ended. MUXBOARD_AFTER is how long that is, in seconds.
if set -q TMUX_PANE
    function __muxboard_says
        tmux set-option -p -t $TMUX_PANE @muxboard_state "$argv @"(date +%s) 2>/dev/null
    end
    function __muxboard_begins --on-event fish_preexec
        __muxboard_says working
    end
    function __muxboard_ended --on-event fish_postexec
        set -l code $status
        set -l after 30
        set -q MUXBOARD_AFTER; and set after $MUXBOARD_AFTER
        if test $CMD_DURATION -lt (math "$after * 1000")
            tmux set-option -pu -t $TMUX_PANE @muxboard_state 2>/dev/null
        else if test $code = 0
            __muxboard_says done
        else
            __muxboard_says failed Status $code
        end
    end
end
