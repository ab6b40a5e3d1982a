//! What is remembered of one user's windows between two sweeps, so that a question ends by an answer and never by a look.
//!
//! tmux clears a window's bell flag as soon as any client shows the window. Here a bell stands until somebody types into its window. tmux tells when somebody
//! last pressed a key in a session, not into which of its windows: a key counts for the window that was the session's current one at the sweep before too, so
//! that the keys which lead to a window do not answer it. What needs no answer is dismissed.

use crate::limits::CLOCK_SECONDS_MIN;
use crate::signal::{Signal, Told};
use crate::snapshot::{Session, SessionId, UnixSeconds, Window};
use crate::tmux::format::{self, Listing, PaneId, PaneSignal};
use std::collections::{HashMap, HashSet};

/// A window of one tmux server: the server's process id and start, and the window's id.
type WindowKey = (u32, UnixSeconds, u32);

/// What is remembered of one user's windows. All times are the host's until [`Asked::to_own_clock`].
#[derive(Debug, Clone, Default)]
pub struct Asked {
    bells: HashMap<WindowKey, Bell>,
    /// What each pane said at the last sweep, since when, and whether somebody typed since.
    said: HashMap<PaneId, Said>,
    /// Windows whose program ended, and somebody said that nobody is needed for that.
    dismissed: HashSet<WindowKey>,
    /// The current window of each session, and when somebody had typed there before it was.
    current: HashMap<SessionId, (u32, UnixSeconds)>,
    /// How far the host's clock is ahead of ours, in seconds.
    ahead: i64,
}

#[derive(Debug, Clone, Copy)]
struct Bell {
    since: UnixSeconds,
    answered: bool,
}

#[derive(Debug, Clone)]
struct Said {
    signal: PaneSignal,
    since: UnixSeconds,
    answered: bool,
}

impl Asked {
    /// Takes a listing, and writes into its windows what they ask and say. A listing that is not whole forgets nothing.
    pub fn look(&mut self, listing: &mut Listing) {
        let typed = self.typed(listing);
        let now = listing.now.unwrap_or_default();
        self.ring(listing, &typed, now);
        self.hear(listing, &typed, now);
        for session in &mut listing.sessions {
            let id = session.id;
            for window in &mut session.windows {
                let key = (id.server_pid, id.server_start, window.id);
                window.asked = self.bells.get(&key).filter(|bell| !bell.answered).map(|bell| bell.since);
                let said = self.said.values().filter(|said| said.signal.window == window.id);
                window.dismissed = self.dismissed.contains(&key);
                window.signal = said.max_by_key(|said| (!said.answered, said.signal.told, said.since)).map(Said::signal);
            }
        }
        format::link(&mut listing.sessions);
    }

    /// Takes it that nobody is needed for what the windows of a session have needed somebody for, up to `until` by our clock. `sessions` are those of the last
    /// look; they are changed too. False if the session is not among them.
    pub fn dismiss(&mut self, sessions: &mut [Session], session: SessionId, until: UnixSeconds) -> bool {
        let Some(from) = sessions.iter().find(|s| s.id == session) else { return false };
        let ended = from.windows.iter().filter(|w| w.needs().is_some_and(|need| need.since <= until)).map(|w| key(from, w)).collect::<HashSet<_>>();
        for session in sessions.iter_mut() {
            let id = session.id;
            for window in session.windows.iter_mut().filter(|w| ended.contains(&(id.server_pid, id.server_start, w.id))) {
                let key = (id.server_pid, id.server_start, window.id);
                self.bells.entry(key).and_modify(|bell| bell.answered = true);
                self.said.values_mut().filter(|said| said.signal.window == window.id).for_each(|said| said.answered = true);
                if window.exited.is_some() {
                    self.dismissed.insert(key);
                    window.dismissed = true;
                }
                window.asked = None;
                window.signal.iter_mut().for_each(|signal| signal.answered = true);
            }
        }
        format::link(sessions);
        true
    }

    /// When somebody last typed into each window, of those where somebody did since it is the current one of a session.
    fn typed(&mut self, listing: &Listing) -> HashMap<u32, UnixSeconds> {
        let mut out: HashMap<u32, UnixSeconds> = HashMap::new();
        let keys: HashMap<SessionId, UnixSeconds> = listing.typed.iter().copied().collect();
        for session in &listing.sessions {
            let Some(window) = session.windows.iter().find(|w| w.active).map(|w| w.id) else { continue };
            let at = keys.get(&session.id).copied().unwrap_or_default();
            match self.current.get(&session.id) {
                Some((before, until)) if *before == window => {
                    if at > *until {
                        out.entry(window).and_modify(|old| *old = at.max(*old)).or_insert(at);
                    }
                }
                _ => {
                    self.current.insert(session.id, (window, at));
                }
            }
        }
        if listing.whole {
            let there: HashSet<SessionId> = listing.sessions.iter().map(|s| s.id).collect();
            self.current.retain(|id, _| there.contains(id));
        }
        out
    }

    fn ring(&mut self, listing: &Listing, typed: &HashMap<u32, UnixSeconds>, now: UnixSeconds) {
        // For each window whether its flag is up in any session.
        let mut flags: HashMap<WindowKey, (bool, UnixSeconds)> = HashMap::new();
        for session in &listing.sessions {
            for window in &session.windows {
                let flag = flags.entry(key(session, window)).or_insert((false, window.activity));
                flag.0 |= window.bell;
            }
        }
        for (key, (flag, activity)) in &flags {
            if *flag {
                // The bell was output: it came no later than the last of it.
                self.bells.entry(*key).or_insert(Bell { since: (*activity).min(now.max(1)), answered: false });
            }
            if let (Some(bell), Some(at)) = (self.bells.get_mut(key), typed.get(&key.2)) {
                bell.answered |= *at >= bell.since;
            }
        }
        // An answered bell is kept as long as its flag is up, or it would ring anew.
        let gone = |key: &WindowKey| listing.whole && !flags.contains_key(key);
        let windows = || listing.sessions.iter().flat_map(|s| s.windows.iter().map(move |w| (key(s, w), w.exited.is_some())));
        let goes_on: HashSet<WindowKey> = windows().filter(|(_, ended)| !ended).map(|(key, _)| key).collect();
        self.dismissed.retain(|key| !gone(key) && !goes_on.contains(key));
        self.bells.retain(|key, bell| !gone(key) && !(bell.answered && flags.get(key).is_some_and(|(flag, _)| !flag)));
    }

    fn hear(&mut self, listing: &Listing, typed: &HashMap<u32, UnixSeconds>, now: UnixSeconds) {
        let mut said = HashMap::new();
        for signal in &listing.signals {
            let before = self.said.get(&signal.pane).filter(|before| before.signal == *signal).cloned();
            let mut new = before.unwrap_or_else(|| Said { signal: signal.clone(), since: signal.at.map_or(now, |at| at.min(now)), answered: false });
            new.answered |= signal.told == Told::Waiting && typed.get(&signal.window).is_some_and(|at| *at >= new.since);
            said.insert(signal.pane, new);
        }
        if !listing.whole {
            self.said.retain(|pane, _| !said.contains_key(pane));
            said.extend(self.said.drain());
        }
        self.said = said;
    }

    /// Makes the times of a listing's sessions those of our clock, which shows `now`.
    pub fn to_own_clock(&mut self, sessions: &mut [Session], theirs: Option<UnixSeconds>, now: UnixSeconds) {
        if let Some(ahead) = theirs.and_then(|theirs| i64::try_from(i128::from(theirs) - i128::from(now)).ok())
            && ahead.abs_diff(self.ahead) >= CLOCK_SECONDS_MIN
        {
            self.ahead = ahead;
        }
        if self.ahead == 0 {
            return;
        }
        let ours = |time: &mut UnixSeconds| *time = time.saturating_add_signed(self.ahead.saturating_neg());
        for session in sessions {
            ours(&mut session.activity);
            for window in &mut session.windows {
                ours(&mut window.activity);
                window.asked.iter_mut().for_each(ours);
                window.signal.iter_mut().for_each(|signal| ours(&mut signal.since));
            }
        }
    }
}

fn key(session: &Session, window: &Window) -> WindowKey {
    (session.id.server_pid, session.id.server_start, window.id)
}

impl Said {
    fn signal(&self) -> Signal {
        Signal { told: self.signal.told, text: self.signal.text.clone(), since: self.since, answered: self.answered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Need, Reason};

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
        world.typed = 125;
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
        world.typed = 120;
        assert_eq!(world.look(121), [None, BELL]);
    }

    #[test]
    fn what_was_answered_does_not_ring_anew_while_tmux_keeps_its_flag() {
        let mut world = World::new();
        (world.bell, world.output, world.current) = (1, 110, 1);
        assert_eq!(world.look(111), [BELL, None]);
        world.typed = 120;
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
        (world.typed, world.shown) = (118, 117);
        assert_eq!(world.look(119), [None, None]);
        assert_eq!(world.look(130), [None, None], "it said nothing new");
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
        assert_eq!(world.look(115), [None, BELL], "a bell beside it still calls");
    }

    #[test]
    fn what_is_dismissed_needs_nobody_until_something_new_comes() {
        let mut world = World::new();
        (world.bell, world.output) = (2, 110);
        assert_eq!(world.look(111), [None, BELL]);
        let mut listing = world.listing(112);
        world.asked.look(&mut listing);
        let id = listing.sessions[0].id;
        assert!(world.asked.dismiss(&mut listing.sessions, id, 109), "it was there");
        assert_eq!(world.look(113), [None, BELL], "it came after what was dismissed");
        assert!(world.asked.dismiss(&mut listing.sessions, id, 110));
        assert_eq!(listing.sessions[0].needs(), None);
        assert_eq!(world.look(114), [None, None]);
        assert!(!world.asked.dismiss(&mut listing.sessions, SessionId { number: 9, ..id }, 200), "no such session");
        world.bell = 0;
        world.look(115);
        (world.bell, world.output) = (2, 120);
        assert_eq!(world.look(121), [None, Some((Reason::Bell, 120))]);
    }

    #[test]
    fn the_end_of_a_program_is_dismissed_until_another_one_ends() {
        let mut asked = Asked::default();
        let look = |asked: &mut Asked, ended: &str| {
            let text = format!("M B 3.3a:x:200\nM S $3:100:1:1:7:8:on:0:0:100:100Ma\nM W $3:1:1:150:0:{ended}:%1:80:24:@1:MwMbashM/Mt\nM E x\n");
            let mut listing = format::parse(&text, "M");
            assert!(listing.whole, "{text}");
            asked.look(&mut listing);
            listing.sessions
        };
        let failed = Some(Need { reason: Reason::Exited(3), since: 150 });
        let mut sessions = look(&mut asked, "1:3:");
        assert_eq!(sessions[0].needs(), failed);
        let id = sessions[0].id;
        asked.dismiss(&mut sessions, id, 150);
        assert_eq!((sessions[0].needs(), look(&mut asked, "1:3:")[0].needs()), (None, None));
        look(&mut asked, "0::");
        assert_eq!(look(&mut asked, "1:3:")[0].needs(), failed);
    }

    #[test]
    fn times_of_a_host_are_shown_by_our_clock_and_do_not_tremble() {
        let mut asked = Asked::default();
        let mut shown = |theirs: u64, ours: u64, time: u64| {
            let text = format!("M B 3.3a:x:{theirs}\nM S $3:100:1:1:7:8:on:0:0:100:100Ma\nM W $3:1:1:{time}:0:0:::%1:80:24:@1:MwMbashM/Mt\nM E x\n");
            let mut listing = format::parse(&text, "M");
            asked.to_own_clock(&mut listing.sessions, listing.now, ours);
            (listing.sessions[0].activity, listing.sessions[0].windows[0].activity)
        };
        assert_eq!(shown(5000, 4000, 4990), (3990, 3990));
        assert_eq!(shown(5061, 4060, 4990), (3990, 3990), "within what whole seconds and the way tell");
        assert_eq!(shown(4100, 4100, 4090), (4090, 4090), "somebody set it right");
        assert_eq!(shown(10, u64::MAX, u64::MAX), (u64::MAX, u64::MAX), "nonsense is shown as it came");
    }
}
