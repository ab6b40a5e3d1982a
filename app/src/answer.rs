//! The page that shows what a session asks and takes an answer: no program, only forms, so that it opens at once and works everywhere. Made for one thumb.

use crate::base::Base;
use crate::dashboard::card::alarm;
use crate::ui::name::{Name, plain};
use crate::ui::time::{Ago, Clock, span};
use leptos::prelude::*;
use muxboard_core::choices::{Choice, Prompt};
use muxboard_core::name::visible;
use muxboard_core::reply::{Fingerprint, Reply, ReplyKey};
use muxboard_core::snapshot::{Need, Place, SessionId, UnixSeconds};

/// The script of the page: whoever comes back to it sees what the session asks now, unless something is typed already.
pub const LOOK_AGAIN: &str = r#"
document.addEventListener("visibilitychange", () => {
  const typed = [...document.querySelectorAll("input[name=text]")].some((input) => input.value !== "");
  if (document.visibilityState === "visible" && !typed) location.replace(location.href);
});
"#;

/// What a pane shows, for the page.
pub struct Shown {
    /// tmux's id of the pane, without its `%`.
    pub pane: u32,
    /// What an answer to it names.
    pub fingerprint: Fingerprint,
    /// The last rows of its screen. Foreign text.
    pub rows: Vec<String>,
    /// What it looks like.
    pub prompt: Prompt,
    /// Why it takes no answer, if so.
    pub closed: Option<&'static str>,
}

/// A sentence over the page: what was done, or why nothing was.
pub struct Remark {
    /// True if something was done.
    pub done: bool,
    /// The sentence.
    pub says: String,
}

/// The next session that needs a person.
pub struct Next {
    /// The name of the session, verbatim.
    pub name: String,
    /// The URL of the page that answers the session.
    pub url: String,
    /// How many sessions need a person, this one counted and the one on the page not.
    pub count: usize,
}

/// The page of a session that asks.
#[component]
pub fn AnswerPage(
    /// The path of the board.
    base: Base,
    /// The time of the server's clock.
    now: UnixSeconds,
    /// The host and the user.
    place: Place,
    /// The label of the host.
    label: String,
    /// The identity of the session.
    session: SessionId,
    /// The name of the session.
    name: String,
    /// Why the session needs a person, if it does.
    need: Option<Need>,
    /// The program's own words about it, if it has any.
    says: Option<String>,
    /// What the session shows; `None` if the pane is gone.
    shown: Option<Shown>,
    /// What to say first.
    told: Option<Remark>,
    /// What was typed, and was not sent.
    typed: String,
    /// True if the person may type there.
    may_type: bool,
    /// The next session that needs a person.
    next: Option<Next>,
) -> impl IntoView {
    provide_context(Clock(RwSignal::new(now)));
    let url = base.answer(&place, session);
    let terminal = base.terminal(&place, &name, session, !may_type);
    let why = need.map(|need| view! { " · " {alarm(need.reason)} ", " <Ago at=need.since words=|age| format!("{} ago", span(age))/> });
    let told = told.map(|told| {
        let role = if told.done { "status" } else { "alert" };
        view! { <p class="told" class:refusal=!told.done role=role>{told.says}</p> }
    });
    let done = need.filter(|_| may_type).map(|need| {
        view! {
            <form method="post" action=base.function("dismiss")>
                <input type="hidden" name="place" value=place.to_string()/>
                <input type="hidden" name="session" value=session.to_string()/>
                <input type="hidden" name="until" value=need.since.to_string()/>
                <button class="button" title="Nobody is needed for this any more">"Done"</button>
            </form>
        }
    });
    let asks = may_type || shown.is_none();
    view! {
        <div class="answer">
            <header>
                <a class="logo" href=base.board()>"mux"<b>"board"</b></a>
                <h1><Name text=name/></h1>
                <p class="facts">{label} " · " {place.user.to_string()} {why}</p>
            </header>
            {told}
            {says.map(|says| view! { <q>{plain(&says)}</q> })}
            {match shown {
                Some(shown) => screen(&url, shown, typed, may_type).into_any(),
                None => view! { <p class="hint">"The pane that asked is gone."</p> }.into_any(),
            }}
            {(!asks).then(|| view! { <p class="hint">"You may look at this session, and not type into it."</p> })}
            <nav class="ways">
                {next.map(|next| view! {
                    <a class="button primary" href=next.url>"Next: " <Name text=next.name/> {(next.count > 1).then(|| format!(" (of {})", next.count))}</a>
                })}
                <a class="button" href=url>"Look again"</a>
                <a class="button" href=terminal>{if may_type { "Open the terminal" } else { "Watch" }}</a>
                {done}
                <a class="button" href=base.board()>"All sessions"</a>
            </nav>
        </div>
    }
}

/// What the pane shows, and the forms that answer it: the choices, keys, and a line of one's own.
fn screen(url: &str, shown: Shown, typed: String, may_type: bool) -> impl IntoView + use<> {
    let Shown { pane, fingerprint, rows, prompt, closed } = shown;
    let rows = if rows.is_empty() { "(an empty screen)".to_owned() } else { rows.iter().map(|row| visible(row) + "\n").collect() };
    let meant = move || {
        let (pane, fingerprint) = (pane.to_string(), fingerprint.to_string());
        view! { <input type="hidden" name="pane" value=pane/><input type="hidden" name="fingerprint" value=fingerprint/> }
    };
    let open = may_type && closed.is_none();
    let form = |class: &'static str, label: &'static str, inner: AnyView| {
        view! { <form method="post" action=url.to_owned() class=class aria-label=label>{meant()} {inner}</form> }
    };
    let choices = (open && !prompt.choices.is_empty()).then(|| form("choices", "Choices", prompt.choices.iter().map(choice).collect_view().into_any()));
    let keys = open.then(|| {
        let key = |(label, name): (&'static str, &'static str)| {
            let value = Reply::Key(ReplyKey::Named(name)).to_string();
            view! { <button class="button small" name="answer" value=value title=format!("Send {label} alone")>{label}</button> }
        };
        form("answer-keys", "Keys", ReplyKey::NAMED.into_iter().map(key).collect_view().into_any())
    });
    let line = open.then(|| {
        let kind = if prompt.secret { "password" } else { "text" };
        let words = if prompt.secret { "The password" } else { "Your answer" };
        let inner = view! {
            <label><span class="label">{words} <i>" (Return is sent behind it)"</i></span>
                <input name="text" type=kind class="mono" value=typed autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="send"/></label>
            <button class="button primary" name="answer" value="text">"Send"</button>
        };
        form("line", "A line", inner.into_any())
    });
    view! {
        <pre class="screen" tabindex="0" aria-label="The end of the screen"><code>{rows}</code></pre>
        {closed.filter(|_| may_type).map(|why| view! { <p class="refusal">{why}</p> })}
        {choices}
        {line}
        {keys}
    }
}

/// The button of a choice, with what it sends.
fn choice(choice: &Choice) -> impl IntoView + use<> {
    let sends = match &choice.answer {
        Reply::Line(line) => format!("{} ⏎", line.as_str()),
        Reply::Key(ReplyKey::Char(char)) => char.to_string(),
        Reply::Key(ReplyKey::Named(_)) => "⏎".to_owned(),
    };
    view! { <button class="button" name="answer" value=choice.answer.to_string()><span>{plain(&choice.label)}</span><code class="sends">{sends}</code></button> }
}
