//! Frames: decode of encode is identity; any bytes decode or are refused.

use muxboard_core::ansi::{Run, Style};
use muxboard_core::flow::Taken;
use muxboard_core::note::Note;
use muxboard_core::policy::{Abilities, Ability};
use muxboard_core::signal::{ProgramState, Signal};
use muxboard_core::snapshot::*;
use muxboard_core::view::{HostView, UserView, View};
use muxboard_core::wire::*;
use proptest::prelude::*;

fn to_server() -> impl Strategy<Value = ToServer> {
    let grid = (1..=1000_u16, 1..=1000_u16).prop_map(|(c, r)| Grid::clamped(c, r));
    prop_oneof![
        (grid.clone(), any::<bool>(), any::<String>()).prop_map(|(grid, watch, name)| ToServer::Hello { grid, watch, name }),
        any::<Vec<u8>>().prop_map(ToServer::Input),
        grid.prop_map(ToServer::Resize),
        (any::<u32>(), any::<u16>()).prop_map(|(bytes, held_ms)| ToServer::Taken(Taken { bytes, held_ms })),
        any::<u32>().prop_map(ToServer::Ping),
        // An empty one is refused.
        prop::collection::vec(any::<u8>(), 1..100).prop_map(ToServer::Paste),
        Just(ToServer::Leave),
    ]
}

fn to_client() -> impl Strategy<Value = ToClient> {
    let seen = ((1..=1000_u16, 1..=1000_u16), any::<(bool, bool, bool)>(), "\\PC{0,60}").prop_map(|((c, r), (watches, drives, own), principal)| Seen {
        principal,
        grid: Grid::clamped(c, r),
        watches,
        drives,
        own,
    });
    prop_oneof![
        any::<Vec<u8>>().prop_map(ToClient::Output),
        (1..=1000_u16, 1..=1000_u16).prop_map(|(c, r)| ToClient::Attached(Grid::clamped(c, r))),
        any::<u32>().prop_map(ToClient::Pong),
        prop::collection::vec(seen, 0..6).prop_map(ToClient::Clients),
        ("[^ ]{0,40}", any::<String>()).prop_map(|(session, name)| ToClient::Shows { session, name }),
        any::<u32>().prop_map(ToClient::Written),
        prop::sample::select(vec![None, Some(Mode::History), Some(Mode::Words), Some(Mode::Other)]).prop_map(ToClient::Mode),
    ]
}

fn session() -> impl Strategy<Value = Session> {
    (any::<(u32, u64, u32, u64)>(), ".*", any::<(u32, u64, bool, Option<i32>)>(), ".*").prop_map(
        |((number, created, server_pid, server_start), name, (attached, activity, bell, exited), text)| Session {
            id: SessionId { number, created, server_pid, server_start },
            name: name.parse().unwrap(),
            attached,
            status_rows: 1,
            activity,
            windows: vec![Window {
                id: number,
                pane: 5,
                also_in: if bell { vec![text.parse().unwrap()] } else { vec![] },
                counted_elsewhere: bell,
                mode: bell.then_some(Mode::Words),
                index: attached,
                active: bell,
                activity,
                bell,
                asked: bell.then_some(activity),
                seems_waiting: bell.then_some(activity),
                signal: bell.then(|| Signal { told: ProgramState::Waiting, text: text.clone(), since: activity, answered: false }),
                exited,
                ended_at: exited.map(|_| activity),
                dismissed: bell,
                columns: 80,
                rows: 24,
                name: text.clone(),
                command: text.clone(),
                path: text.clone(),
                title: text.clone(),
            }],
            preview: vec![vec![Run { style: Style { colour: Some(3), bold: bell }, text: text.clone() }]],
            clients: vec![Client { tty: text, columns: 80, rows: 24, read_only: bell, drives: bell }],
            notes: vec![Note::ConfigurationErrors("x".into()), Note::EndsUnattached],
        },
    )
}

fn view() -> impl Strategy<Value = View> {
    prop::collection::vec(prop::collection::vec(session(), 0..4), 0..4).prop_map(|hosts| View {
        principal: "ann".into(),
        now: 5,
        hosts: hosts
            .into_iter()
            .enumerate()
            .map(|(i, sessions)| {
                let row = UserRow { name: "ops".parse().unwrap(), through_sudo: false, state: UserState::Sessions(sessions), since: 1, last_seen: vec![] };
                let key = format!("h{i}").parse().unwrap();
                let host = HostRow {
                    key,
                    label: "h".into(),
                    place: "p".into(),
                    state: HostState::Up { round_trip_ms: 3 },
                    since: 1,
                    swept_at: Some(i as u64),
                    users: vec![],
                };
                HostView { host, users: vec![UserView { can: Abilities::of(&[Ability::Type]), row }] }
            })
            .collect(),
    })
}

proptest! {
    #[test]
    fn decode_of_encode_is_identity(server in to_server(), client in to_client()) {
        prop_assert_eq!(ToServer::decode(&server.encode()), Ok(server));
        prop_assert_eq!(ToClient::decode(&client.encode()), Ok(client));
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in any::<Vec<u8>>()) {
        if let Ok(frame) = ToServer::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes.clone());
        }
        if let Ok(frame) = ToClient::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes.clone());
        }
        let _ = BoardFrame::decode(&bytes);
    }

    #[test]
    fn board_frames_lead_from_one_view_to_the_next(old in view(), new in view()) {
        // Hosts never come or go within a connection.
        let (mut old, mut new) = (old, new);
        let both = old.hosts.len().min(new.hosts.len());
        old.hosts.truncate(both);
        new.hosts.truncate(both);
        let mut frame = BoardFrame::Changed { now: new.now, hosts: vec![], swept: vec![] };
        old.hosts.iter().zip(&new.hosts).for_each(|(was, is)| frame.add(was, is));
        prop_assert_eq!(frame.is_quiet(), old.hosts == new.hosts);
        let frame = BoardFrame::decode(&frame.encode()).unwrap();
        prop_assert!(frame.apply(&mut old));
        prop_assert_eq!(old.hosts, new.hosts);
    }
}
