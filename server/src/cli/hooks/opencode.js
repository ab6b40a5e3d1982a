// muxboard: says on the board whether opencode works, waits or is done.
export const Muxboard = async ({ $ }) => {
  const pane = process.env.TMUX_PANE;
  const says = async (state) => {
    const value = `${state} @${Math.floor(Date.now() / 1000)}`;
    if (pane) await $`tmux set-option -p -t ${pane} @muxboard_state ${value}`.quiet().nothrow();
  };
  const states = {
    "permission.asked": "waiting opencode asks",
    "permission.updated": "waiting opencode asks",
    "question.asked": "waiting opencode asks",
    "permission.replied": "working",
    "question.replied": "working",
    "session.idle": "done Its turn is over",
    "session.error": "failed",
  };
  return {
    "chat.message": async () => says("working"),
    event: async ({ event }) => {
      if (event.type in states) await says(states[event.type]);
    },
  };
};
