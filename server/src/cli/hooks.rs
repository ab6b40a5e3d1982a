//! `muxboard hooks`: what makes a coding agent or a shell say on the board how it is. (A shell says nothing while a command runs: the command may wait for
//! somebody, and only its screen tells.) Each snippet calls tmux alone, so that nothing of muxboard has to be on the
//! host, and does nothing outside of tmux.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use std::io::Write;

#[derive(Subcommand)]
pub(super) enum HooksCommand {
    /// Print the lines that make an agent or a shell say whether it works, waits or is done
    ///
    /// The lines are printed to standard output, where they belong to standard error.
    #[command(after_help = "Example: muxboard hooks show bash >> ~/.bashrc")]
    Show {
        /// The agent or the shell
        agent: Agent,
    },
}

/// The programs that hooks are known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Agent {
    /// Anthropic's Claude Code
    ClaudeCode,
    /// OpenAI's Codex CLI
    Codex,
    /// Google's Gemini CLI
    GeminiCli,
    /// opencode
    Opencode,
    /// GNU bash 4.4 or newer
    Bash,
    /// zsh
    Zsh,
    /// fish 3 or newer
    Fish,
}

impl HooksCommand {
    /// Prints what was asked for.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let Self::Show { agent } = self;
        writeln!(std::io::stderr(), "{}", place(*agent))?;
        write!(std::io::stdout(), "{}", snippet(*agent))?;
        Ok(())
    }
}

/// Where the lines belong, for the person at the terminal.
fn place(agent: Agent) -> &'static str {
    match agent {
        Agent::ClaudeCode => "For ~/.claude/settings.json; if it has \"hooks\" already, add each event to them.",
        Agent::Codex => "For ~/.codex/hooks.json; if it has \"hooks\" already, add each event to them. Codex asks once whether it may run them.",
        Agent::GeminiCli => "For ~/.gemini/settings.json; if it has \"hooks\" already, add each event to them.",
        Agent::Opencode => "For ~/.config/opencode/plugins/muxboard.js",
        Agent::Bash => "For the end of ~/.bashrc",
        Agent::Zsh => "For the end of ~/.zshrc",
        Agent::Fish => "For ~/.config/fish/conf.d/muxboard.fish",
    }
}

/// The lines themselves.
fn snippet(agent: Agent) -> String {
    // What each event of an agent means. An agent that waits says so at once; one whose turn is over says that it is done.
    let events = |agent: Agent| -> &[(&str, Option<&str>)] {
        match agent {
            Agent::ClaudeCode => &[
                ("UserPromptSubmit", Some("working")),
                ("PostToolUse", Some("working")),
                ("Notification", Some("waiting Claude Code asks")),
                ("Stop", Some("done Its turn is over")),
                ("SessionEnd", None),
            ],
            Agent::Codex => &[
                ("UserPromptSubmit", Some("working")),
                ("PostToolUse", Some("working")),
                ("PermissionRequest", Some("waiting Codex asks")),
                ("Stop", Some("done Its turn is over")),
            ],
            _ => &[
                ("BeforeAgent", Some("working")),
                ("AfterTool", Some("working")),
                ("Notification", Some("waiting Gemini CLI asks")),
                ("AfterAgent", Some("done Its turn is over")),
                ("SessionEnd", None),
            ],
        }
    };
    match agent {
        Agent::ClaudeCode | Agent::Codex | Agent::GeminiCli => hooks_json(events(agent)),
        Agent::Opencode => include_str!("hooks/opencode.js").to_owned(),
        Agent::Bash => include_str!("hooks/bash.sh").to_owned(),
        Agent::Zsh => include_str!("hooks/zsh.sh").to_owned(),
        Agent::Fish => include_str!("hooks/fish.fish").to_owned(),
    }
}

/// The hooks of an agent that runs a shell command at each event, as JSON.
fn hooks_json(events: &[(&str, Option<&str>)]) -> String {
    let hook = |state: Option<&str>| {
        let says = state.map_or_else(
            || "tmux set-option -pu -t \"$TMUX_PANE\" @muxboard_state".to_owned(),
            |state| format!("tmux set-option -p -t \"$TMUX_PANE\" @muxboard_state \"{state} @$(date +%s)\""),
        );
        // An agent may take a failure for a veto.
        json!([{ "hooks": [{ "type": "command", "command": format!("[ -z \"$TMUX_PANE\" ] || {says} || true") }] }])
    };
    let hooks: Map<String, Value> = events.iter().map(|(event, state)| ((*event).to_owned(), hook(*state))).collect();
    format!("{:#}\n", json!({ "hooks": hooks }))
}
