//! The bells, states and ends of one user's windows, remembered between two sweeps: a question ends by an answer and never by a look.
//!
//! tmux clears a window's bell flag as soon as any client shows the window. Here a bell stands until somebody types into its window. tmux tells when somebody
//! last pressed a key in a session, not into which of its windows: a key counts for the window that was the session's current one at the sweep before too,
//! and only if the window had output since. So the keys that lead to a window or away from it do not answer it, nor do those that scroll in it. What needs
//! no answer is dismissed.

use crate::limits::{CLOCK_SECONDS_MIN, GUESS_SECONDS_MIN, WINDOW_LINKS_MAX};
use crate::name::SessionName;
use crate::signal::{ProgramState, Signal};
use crate::snapshot::{Session, SessionId, UnixSeconds, Window};
use crate::tmux::format::{Listing, PaneId, PaneSignal};
use std::collections::{HashMap, HashSet};

/// tmux's id of a window, without its `@`.
type WindowId = u32;

/// The memory of one user's windows: of one tmux server, because ids begin anew with each, and of its last whole listing, so that it cannot grow. All
/// times are the host's; [`Asked::to_own_clock`] makes those of sessions ours.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The server's process id and its start.
    server: Option<(u32, UnixSeconds)>,
    bells: HashMap<WindowId, Bell>,
    /// The bell flags that were up, each in its session.
    up: HashSet<(SessionId, WindowId)>,
    /// What each pane says, since when, and whether somebody answered since.
    said: HashMap<PaneId, Heard>,
    /// Windows whose program ended, with how and when that was found.
    ended: HashMap<WindowId, WindowEnd>,
    /// The current window of each session, and when somebody had typed there before it was.
    current: HashMap<SessionId, (WindowId, UnixSeconds)>,
    /// Windows whose screen may look like a prompt and nobody is needed, until there is output after this time. By our clock.
    quiet: HashMap<WindowId, UnixSeconds>,
    /// How far the host's clock is ahead of ours, in seconds.
    ahead: i64,
}

#[derive(Debug, Clone, Copy)]
struct Bell {
    since: UnixSeconds,
    answered: bool,
}

#[derive(Debug, Clone)]
struct Heard {
    signal: PaneSignal,
    since: UnixSeconds,
    answered: bool,
}

#[derive(Debug, Clone, Copy)]
struct WindowEnd {
    status: i32,
    since: UnixSeconds,
    dismissed: bool,
}

impl Asked {
    /// Takes a listing, and writes into its windows what they ask and say. One that is not whole changes nothing of what is remembered.
    pub fn look(&mut self, listing: &mut Listing) {
        let server = listing.sessions.first().map(|s| (s.id.server_pid, s.id.server_start));
        if server.is_some() && server != self.server || listing.whole && server.is_none() {
            *self = Self { server, ahead: self.ahead, ..Self::default() };
        }
        if listing.whole {
            let typed = self.typed(listing);
            let now = listing.now.unwrap_or_default();
            self.hear(listing, &typed, now);
            self.ring(listing, &typed, now);
            self.end(listing, now);
        }
        self.write(&mut listing.sessions);
    }

    fn write(&self, sessions: &mut [Session]) {
        let mut said: HashMap<WindowId, &Heard> = HashMap::new();
        let rank = |said: &Heard| (!said.answered, said.signal.told, said.since, said.signal.pane);
        for new in self.said.values() {
            let best = said.entry(new.signal.window).or_insert(new);
            if rank(new) > rank(best) {
                *best = new;
            }
        }
        for window in sessions.iter_mut().flat_map(|session| &mut session.windows) {
            let ended = self.ended.get(&window.id).filter(|_| window.exited.is_some());
            window.asked = self.bells.get(&window.id).filter(|bell| !bell.answered).map(|bell| bell.since);
            let said = said.get(&window.id);
            window.signal = said.map(|said| said.signal());
            if let Some(said) = said.filter(|said| !said.answered && said.signal.told >= ProgramState::Waiting) {
                window.pane = said.signal.pane.0;
            }
            window.ended_at = ended.map(|ended| ended.since);
            window.dismissed = ended.is_some_and(|ended| ended.dismissed);
        }
        link(sessions);
    }

    /// When somebody last typed into each window, of those where somebody did since it is the current one of a session.
    fn typed(&mut self, listing: &Listing) -> HashMap<WindowId, UnixSeconds> {
        let mut out: HashMap<WindowId, UnixSeconds> = HashMap::new();
        let mut current = HashMap::new();
        let keys: HashMap<SessionId, UnixSeconds> = listing.typed.iter().copied().collect();
        for session in &listing.sessions {
            let Some(window) = session.windows.iter().find(|w| w.active) else { continue };
            let at = keys.get(&session.id).copied().unwrap_or_default();
            let before = self.current.get(&session.id).filter(|(before, _)| *before == window.id).copied().unwrap_or((window.id, at));
            if at > before.1 && window.activity >= at {
                out.entry(window.id).and_modify(|old| *old = at.max(*old)).or_insert(at);
            }
            current.insert(session.id, before);
        }
        self.current = current;
        out
    }

    fn hear(&mut self, listing: &Listing, typed: &HashMap<WindowId, UnixSeconds>, now: UnixSeconds) {
        let mut said = HashMap::new();
        for signal in &listing.signals {
            let before = self.said.remove(&signal.pane).filter(|before| before.signal == *signal);
            let mut new = before.unwrap_or_else(|| Heard { signal: signal.clone(), since: signal.at.map_or(now, |at| at.min(now)), answered: false });
            new.answered |= signal.told == ProgramState::Waiting && typed.get(&signal.window).is_some_and(|at| *at > new.since);
            said.insert(signal.pane, new);
        }
        self.said = said;
    }

    fn ring(&mut self, listing: &Listing, typed: &HashMap<WindowId, UnixSeconds>, now: UnixSeconds) {
        let (mut up, mut windows) = (HashSet::new(), HashSet::new());
        for session in &listing.sessions {
            for window in &session.windows {
                windows.insert(window.id);
                if !window.bell {
                    continue;
                }
                up.insert((session.id, window.id));
                // A flag that was up already tells of no other bell. The bell was output: it came no later than the last of it.
                if !self.up.contains(&(session.id, window.id)) {
                    let bell = self.bells.entry(window.id).or_insert(Bell { since: 0, answered: true });
                    if bell.answered {
                        *bell = Bell { since: window.activity.min(now), answered: false };
                    }
                }
            }
        }
        self.up = up;
        self.bells.retain(|window, _| windows.contains(window));
        // When each window last said that it works.
        let mut works: HashMap<WindowId, UnixSeconds> = HashMap::new();
        for said in self.said.values().filter(|said| said.signal.told == ProgramState::Working) {
            works.entry(said.signal.window).and_modify(|since| *since = said.since.max(*since)).or_insert(said.since);
        }
        for (window, bell) in &mut self.bells {
            bell.answered |= works.get(window).is_some_and(|since| *since >= bell.since) || typed.get(window).is_some_and(|at| *at > bell.since);
        }
    }

    fn end(&mut self, listing: &Listing, now: UnixSeconds) {
        let mut ended = HashMap::new();
        for window in listing.sessions.iter().flat_map(|session| &session.windows) {
            if let Some(status) = window.exited {
                let before = self.ended.get(&window.id).filter(|before| before.status == status).copied();
                ended.insert(window.id, before.unwrap_or(WindowEnd { status, since: window.activity.min(now), dismissed: false }));
            }
        }
        self.ended = ended;
    }

    /// The windows of a session whose bell flag was up at the last look, in the session's order: what [`clear_alerts`](crate::tmux::clear_alerts) compares.
    pub fn flags(&self, sessions: &[Session], session: SessionId) -> Vec<WindowId> {
        let windows = sessions.iter().filter(|s| s.id == session).flat_map(|s| &s.windows);
        windows.map(|window| window.id).filter(|window| self.up.contains(&(session, *window))).collect()
    }

    /// Takes it that nobody is needed for what the windows of a session have needed somebody for, up to `until` by our clock. `cleared` is whether tmux has put
    /// down the session's bell flags, so that the next bell is seen. `sessions` are those of the last look; they are changed too.
    pub fn dismiss(&mut self, sessions: &mut [Session], session: SessionId, until: UnixSeconds, cleared: bool) {
        let mut windows = HashSet::new();
        for window in sessions.iter_mut().filter(|s| s.id == session).flat_map(|s| &mut s.windows) {
            windows.insert(window.id);
            // What looked like a prompt still does: it was that which somebody was needed for.
            if window.needs().is_some_and(|need| need.since <= until) {
                self.quiet.insert(window.id, window.activity);
                window.seems_waiting = None;
            }
        }
        self.put_down(session, cleared);
        let until = until.saturating_add_signed(self.ahead);
        for window in &windows {
            self.bells.entry(*window).and_modify(|bell| bell.answered |= bell.since <= until);
            self.ended.entry(*window).and_modify(|ended| ended.dismissed |= ended.since <= until);
        }
        for said in self.said.values_mut().filter(|said| windows.contains(&said.signal.window) && said.signal.told >= ProgramState::Waiting) {
            said.answered |= said.since <= until;
        }
        self.rewrite(sessions);
    }

    /// Takes it that the program in a pane of a session was answered. `cleared` as for [`Asked::dismiss`]. `sessions` are those of the last look; they are
    /// changed too.
    pub fn answer(&mut self, sessions: &mut [Session], session: SessionId, pane: PaneId, cleared: bool) {
        self.put_down(session, cleared);
        let said = self.said.get_mut(&pane);
        let speaks_in = said.as_ref().map(|said| said.signal.window);
        let mut windows = sessions.iter_mut().filter(|s| s.id == session).flat_map(|s| &mut s.windows);
        let window = windows.find(|window| speaks_in.map_or(window.pane == pane.0, |id| window.id == id));
        if let Some(said) = said.filter(|said| said.signal.told == ProgramState::Waiting) {
            said.answered = true;
        }
        if let Some(window) = window {
            self.bells.entry(window.id).and_modify(|bell| bell.answered = true);
            self.quiet.insert(window.id, window.activity);
            window.seems_waiting = None;
        }
        self.rewrite(sessions);
    }

    /// A flag that stays up tells of no other bell; one that tmux has put down does when it is up again.
    fn put_down(&mut self, session: SessionId, cleared: bool) {
        if cleared {
            self.up.retain(|(up, _)| *up != session);
        }
    }

    /// Guesses which sessions wait: those whose current window has a screen that `looks` like a prompt, has been silent for a while, and whose program says
    /// nothing itself. The times of `sessions` and `now` are of our clock.
    pub fn guess(&mut self, sessions: &mut [Session], now: UnixSeconds, looks: impl Fn(&Session) -> bool) {
        let known: HashSet<WindowId> = sessions.iter().flat_map(|session| &session.windows).map(|window| window.id).collect();
        self.quiet.retain(|quiet, _| known.contains(quiet));
        for session in &mut *sessions {
            let seems = looks(session);
            let Some(window) = session.windows.iter_mut().find(|window| window.active) else { continue };
            let is_quiet = self.quiet.get(&window.id).is_some_and(|until| window.activity <= *until);
            let is_silent = now.saturating_sub(window.activity) >= GUESS_SECONDS_MIN && !is_quiet;
            let says_nothing = window.exited.is_none() && window.signal.is_none() && window.asked.is_none();
            window.seems_waiting = (seems && is_silent && says_nothing).then_some(window.activity);
        }
        link(sessions);
    }

    /// Writes what is remembered into the sessions of the last look, whose times are ours already.
    fn rewrite(&self, sessions: &mut [Session]) {
        self.write(sessions);
        for window in sessions.iter_mut().flat_map(|session| &mut session.windows) {
            self.ours(window);
        }
    }

    /// Makes the times of a listing's sessions those of our clock. `asked` and `now` are what our clock showed when the question was sent and when its whole
    /// answer was there: a time of the host's between them tells of no difference.
    pub fn to_own_clock(&mut self, sessions: &mut [Session], theirs: Option<UnixSeconds>, asked: UnixSeconds, now: UnixSeconds) {
        if let Some(theirs) = theirs {
            let nearest = theirs.clamp(asked.min(now), now);
            let ahead = i64::try_from(i128::from(theirs) - i128::from(nearest)).unwrap_or_default();
            if ahead.abs_diff(self.ahead) >= CLOCK_SECONDS_MIN {
                self.ahead = ahead;
            }
        }
        for session in sessions {
            session.activity = self.our_time(session.activity);
            for window in &mut session.windows {
                window.activity = self.our_time(window.activity);
                self.ours(window);
            }
        }
    }

    fn our_time(&self, time: UnixSeconds) -> UnixSeconds {
        time.saturating_add_signed(self.ahead.saturating_neg())
    }

    fn ours(&self, window: &mut Window) {
        window.asked = window.asked.map(|at| self.our_time(at));
        window.ended_at = window.ended_at.map(|at| self.our_time(at));
        if let Some(signal) = &mut window.signal {
            signal.since = self.our_time(signal.since);
        }
    }
}

/// Tells of each window which other sessions show it, and in which of them its need counts: the oldest that has it. Windows are known by their
/// ids: `window_linked` says another thing before tmux 3.6.
fn link(sessions: &mut [Session]) {
    let mut showing: HashMap<u32, Vec<(u32, bool, usize)>> = HashMap::new();
    for (at, session) in sessions.iter().enumerate() {
        for window in &session.windows {
            showing.entry(window.id).or_default().push((session.id.number, window.needs().is_some(), at));
        }
    }
    showing.retain(|_, shown| shown.len() > 1);
    if showing.is_empty() {
        return;
    }
    showing.values_mut().for_each(|shown| shown.sort_unstable());
    let names: Vec<SessionName> = sessions.iter().map(|session| session.name.clone()).collect();
    for session in sessions {
        let own = session.id.number;
        for window in &mut session.windows {
            let Some(shown) = showing.get(&window.id) else { continue };
            let mut others: Vec<_> = shown.iter().filter(|(number, ..)| *number != own).collect();
            others.dedup_by_key(|(number, ..)| *number);
            window.counted_elsewhere = others.iter().any(|(number, needs, _)| *needs && *number < own);
            window.also_in = others.into_iter().take(WINDOW_LINKS_MAX).filter_map(|(_, _, at)| names.get(*at).cloned()).collect();
        }
    }
}

impl Heard {
    fn signal(&self) -> Signal {
        Signal { told: self.signal.told, text: self.signal.text.clone(), since: self.since, answered: self.answered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Need, Reason};
    use crate::tmux::format;

    /// One session `$3` with two windows, `@1` and `@2`.
    struct World {
        asked: Asked,
        current: u32,
        bell: u32,
        output: UnixSeconds,
        typed: UnixSeconds,
        shown: UnixSeconds,
        says: String,
    }

    impl World {
        fn new() -> Self {
            Self { asked: Asked::default(), current: 1, bell: 0, output: 100, typed: 100, shown: 100, says: String::new() }
        }
        fn listing(&self, now: UnixSeconds) -> Listing {
            let window = |id: u32| {
                let (active, bell) = (u32::from(self.current == id), u32::from(self.bell == id));
                let says = if self.says.is_empty() || id != 2 { String::new() } else { format!("M%2 {}", self.says) };
                format!("M W $3:{id}:{active}:{}:{bell}:0:::%{id}:80:24:@{id}:MwMbashM/Mt{says}\n", self.output)
            };
            let session = format!("M S $3:100:1:2:7:8:on:0:0:{}:{}Ma\n", self.typed, self.shown);
            let text = format!("M B 3.3a:x:{now}\n{session}{}{}M E x\n", window(1), window(2));
            let listing = format::parse(&text, "M");
            assert!(listing.whole, "{text}");
            listing
        }
        /// The needs of both windows, as a look at that moment finds them.
        fn look(&mut self, now: UnixSeconds) -> [Option<(Reason, UnixSeconds)>; 2] {
            let mut listing = self.listing(now);
            self.asked.look(&mut listing);
            let windows = &listing.sessions[0].windows;
            [0, 1].map(|n| windows[n].needs().map(|need| (need.reason, need.since)))
        }
    }

    const BELL: Option<(Reason, UnixSeconds)> = Some((Reason::Bell, 110));
    const WAITS: Option<(Reason, UnixSeconds)> = Some((Reason::Waits, 110));

    /// A bell left everybody's queue when somebody, even a watcher, showed the session.
    #[test]
    fn a_bell_ends_by_an_answer_and_never_by_a_look() {
        let mut world = World::new();
        assert_eq!(world.look(109), [None, None]);
        (world.bell, world.output) = (2, 110);
        assert_eq!(world.look(111), [None, BELL]);
        // Somebody opens a terminal and goes to the window: tmux clears its flag.
        (world.shown, world.typed, world.bell, world.current) = (115, 117, 0, 2);
        assert_eq!(world.look(118), [None, BELL]);
        assert_eq!(world.look(120), [None, BELL], "nothing was typed since");
        // The keys that close the terminal: the program says nothing to them.
        world.typed = 122;
        assert_eq!(world.look(123), [None, BELL]);
        (world.typed, world.output) = (125, 125);
        assert_eq!(world.look(126), [None, None]);
        // The next bell is a question of its own.
        (world.bell, world.output, world.current) = (2, 130, 1);
        assert_eq!(world.look(131), [None, Some((Reason::Bell, 130))]);
    }

    #[test]
    fn keys_for_another_window_answer_nothing() {
        let mut world = World::new();
        world.look(109);
        (world.bell, world.output) = (2, 110);
        world.look(111);
        (world.typed, world.output) = (120, 120);
        assert_eq!(world.look(121), [None, BELL]);
    }

    #[test]
    fn what_was_answered_does_not_ring_anew_while_tmux_keeps_its_flag() {
        let mut world = World::new();
        (world.bell, world.output, world.current) = (1, 110, 1);
        assert_eq!(world.look(111), [BELL, None]);
        (world.typed, world.output) = (120, 120);
        assert_eq!((world.look(121), world.look(122)), ([None, None], [None, None]));
        world.bell = 0;
        world.look(123);
        (world.bell, world.output) = (1, 130);
        assert_eq!(world.look(131), [Some((Reason::Bell, 130)), None]);
    }

    #[test]
    fn a_state_has_an_age_of_its_own_and_waiting_ends_by_an_answer() {
        let mut world = World::new();
        world.current = 2;
        world.look(109);
        world.says = "waiting Allow?".into();
        assert_eq!(world.look(110), [None, WAITS]);
        assert_eq!(world.look(115), [None, WAITS]);
        (world.typed, world.shown, world.output) = (118, 117, 118);
        assert_eq!(world.look(119), [None, None]);
        assert_eq!(world.look(130), [None, None], "it said nothing new");
        world.says = "waiting And this? @118".into();
        assert_eq!(world.look(131), [None, Some((Reason::Waits, 118))], "asked within the second of the last answer");
        world.says = "waiting Allow that too? @125".into();
        assert_eq!(world.look(131), [None, Some((Reason::Waits, 125))]);
        world.says = "working".into();
        assert_eq!(world.look(132), [None, None]);
        world.says = "failed @999999".into();
        assert_eq!(world.look(133), [None, Some((Reason::SaysFailed, 133))], "no time of the future");
    }

    #[test]
    fn a_program_that_works_again_asks_nobody() {
        let mut world = World::new();
        (world.bell, world.output) = (2, 110);
        assert_eq!(world.look(111), [None, BELL]);
        world.says = "working @112".into();
        assert_eq!(world.look(113), [None, None]);
        world.says = "done @114".into();
        assert_eq!(world.look(115), [None, None]);
        world.bell = 0;
        world.look(116);
        (world.bell, world.output) = (2, 117);
        assert_eq!(world.look(118), [None, Some((Reason::Bell, 117))], "a bell of one that is done calls");
    }

    #[test]
    fn what_is_dismissed_needs_nobody_until_something_new_comes() {
        let mut world = World::new();
        (world.bell, world.output, world.says) = (2, 110, "failed @90".into());
        assert_eq!(world.look(111), [None, Some((Reason::SaysFailed, 90))]);
        let mut listing = world.listing(112);
        world.asked.look(&mut listing);
        let id = listing.sessions[0].id;
        assert_eq!(world.asked.flags(&listing.sessions, id), [2]);
        world.asked.dismiss(&mut listing.sessions, id, 90, true);
        assert_eq!(listing.sessions[0].needs(), Some(Need { reason: Reason::Bell, since: 110 }), "it came later");
        world.asked.dismiss(&mut listing.sessions, id, 110, true);
        assert_eq!((listing.sessions[0].needs(), world.asked.flags(&listing.sessions, id)), (None, vec![]));
        // tmux's flag is down, and up again at the next look.
        world.output = 115;
        assert_eq!(world.look(116), [None, Some((Reason::Bell, 115))]);
    }

    #[test]
    fn the_end_of_a_program_has_an_age_of_its_own_and_is_dismissed_until_another_one_ends() {
        let mut asked = Asked::default();
        let look = |asked: &mut Asked, ended: &str, output: u64| {
            let text = format!("M B 3.3a:x:200\nM S $3:100:1:1:7:8:on:0:0:100:100Ma\nM W $3:1:1:{output}:0:{ended}:%1:80:24:@1:MwMbashM/Mt\nM E x\n");
            let mut listing = format::parse(&text, "M");
            assert!(listing.whole, "{text}");
            asked.look(&mut listing);
            listing.sessions
        };
        let failed = |since| Some(Need { reason: Reason::Exited(3), since });
        assert_eq!(look(&mut asked, "1:3:", 150)[0].needs(), failed(150));
        let mut sessions = look(&mut asked, "1:3:", 160);
        assert_eq!(sessions[0].needs(), failed(150), "another pane prints");
        let id = sessions[0].id;
        asked.dismiss(&mut sessions, id, 150, true);
        assert_eq!((sessions[0].needs(), look(&mut asked, "1:3:", 170)[0].needs()), (None, None));
        look(&mut asked, "0::", 180);
        assert_eq!(look(&mut asked, "1:3:", 190)[0].needs(), failed(190));
    }

    #[test]
    fn nothing_of_a_server_is_remembered_for_the_next_one() {
        let (mut asked, mut world) = (Asked::default(), World::new());
        world.says = "failed".into();
        world.look(110);
        let mut sessions = world.listing(111).sessions;
        let id = sessions[0].id;
        world.asked.dismiss(&mut sessions, id, 200, true);
        assert_eq!(world.look(112), [None, None]);
        std::mem::swap(&mut asked, &mut world.asked);
        let text = "M B 3.3a:x:300\nM S $3:100:1:1:9:8:on:0:0:100:100Ma\nM W $3:1:1:150:0:0:::%2:80:24:@2:MwMbashM/MtM%2 failed\nM E x\n";
        let mut listing = format::parse(text, "M");
        asked.look(&mut listing);
        assert_eq!(listing.sessions[0].needs(), Some(Need { reason: Reason::SaysFailed, since: 300 }));
        // No session, no server: nothing is kept.
        asked.look(&mut format::parse("M B 3.3a::301\nM E \n", "M"));
        assert!(asked.said.is_empty() && asked.server.is_none());
    }

    #[test]
    fn times_of_a_host_are_shown_by_our_clock_and_do_not_tremble() {
        let mut asked = Asked::default();
        let mut shown = |theirs: u64, ours: u64, took: u64, time: u64| {
            let text = format!("M B 3.3a:x:{theirs}\nM S $3:100:1:1:7:8:on:0:0:100:100Ma\nM W $3:1:1:{time}:0:0:::%1:80:24:@1:MwMbashM/Mt\nM E x\n");
            let mut listing = format::parse(&text, "M");
            asked.to_own_clock(&mut listing.sessions, listing.now, ours.saturating_sub(took), ours);
            (listing.sessions[0].activity, listing.sessions[0].windows[0].activity)
        };
        assert_eq!(shown(5000, 4000, 0, 4990), (3990, 3990));
        assert_eq!(shown(5061, 4060, 0, 4990), (3990, 3990), "within what whole seconds and the way tell");
        assert_eq!(shown(4100, 4100, 0, 4090), (4090, 4090), "somebody set it right");
        assert_eq!(shown(4200, 4209, 10, 4190), (4190, 4190), "an answer that took its time");
        assert_eq!(shown(10, u64::MAX, 0, u64::MAX), (u64::MAX, u64::MAX), "nonsense is shown as it came");
    }

    #[test]
    fn a_window_that_several_sessions_show_has_one_need() {
        let window = |session: u32, window: u32, bell: u32| format!("M W ${session}:{window}:1:150:{bell}:0:::%{window}:80:24:@{window}:MwMbashM/Mt\n");
        let session = |number: u32, name: &str| format!("M S ${number}:100:0:1:7:8:on:0:0:100:100M{name}\n");
        let counted = |rows: &[String]| {
            let count = "x".repeat(rows.iter().filter(|row| row.starts_with("M S")).count());
            let mut listing = format::parse(&format!("M B 3.3a:{count}:200\n{}M E {count}\n", rows.concat()), "M");
            assert!(listing.whole, "{rows:?}");
            Asked::default().look(&mut listing);
            listing.sessions.iter().map(|s| (s.name.to_string(), s.needs().is_some(), s.counted_need().is_some())).collect::<Vec<_>>()
        };
        let both = [session(4, "a"), session(2, "g"), session(5, "z"), window(4, 1, 1), window(2, 1, 1), window(5, 1, 0)];
        let row = |name: &str, needs, counts| (name.to_owned(), needs, counts);
        assert_eq!(counted(&both), [row("a", true, false), row("g", true, true), row("z", true, false)]);
        // Somebody looked in the older session alone: the bell still counts, once.
        let one = [session(4, "a"), session(2, "g"), window(4, 1, 1), window(2, 1, 0)];
        assert_eq!(counted(&one), [row("a", true, false), row("g", true, true)]);
        let kept = |rows: &[String]| {
            let mut sessions = format::parse(&rows.concat(), "M").sessions;
            link(&mut sessions);
            sessions.iter().map(Session::kept).map(|k| (k.windows, k.sessions.len())).collect::<Vec<_>>()
        };
        assert_eq!(kept(&both), [(1, 2), (1, 2), (1, 2)]);
        // A window linked twice into one session is in no other.
        assert_eq!(kept(&[session(4, "a"), window(4, 1, 1), window(4, 1, 1)]), [(0, 0)]);
        let crowd: Vec<String> = (0..20).map(|n| session(n, &format!("s{n}"))).chain((0..20).map(|n| window(n, 1, 0))).collect();
        assert_eq!(kept(&crowd)[3], (1, WINDOW_LINKS_MAX));
    }

    /// "Done" on a bell came back at once: the screen still looked like a prompt.
    #[test]
    fn what_is_dismissed_is_no_guess_either_until_there_is_output() {
        let mut world = World::new();
        world.look(109);
        (world.bell, world.output) = (1, 110);
        let mut listing = world.listing(111);
        world.asked.look(&mut listing);
        let (mut sessions, id) = (listing.sessions, listing.panes[0].0);
        let reason = |sessions: &[Session]| sessions[0].windows[0].needs().map(|need| need.reason);
        world.asked.guess(&mut sessions, 120, |_| true);
        assert_eq!(reason(&sessions), Some(Reason::Bell));
        world.asked.dismiss(&mut sessions, id, 109, true);
        assert_eq!(reason(&sessions), Some(Reason::Bell), "it came later");
        world.asked.dismiss(&mut sessions, id, 110, true);
        world.asked.guess(&mut sessions, 121, |_| true);
        assert_eq!(reason(&sessions), None);
        sessions[0].windows[0].activity = 125;
        world.asked.guess(&mut sessions, 126, |_| true);
        assert_eq!(reason(&sessions), None, "it is not silent yet");
        world.asked.guess(&mut sessions, 130, |_| true);
        assert_eq!(reason(&sessions), Some(Reason::SeemsToWait));
    }
}
