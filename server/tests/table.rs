//! Every route of the board, from its own list, times every state of identity, times Host and Origin, against the real binary. The table is
//! printed. A route that this file does not know how to ask for fails the test.
//!
//! The guards of the door, and for each the test that fails without it. `make guards` takes them out, one at a time, and looks.
//!
//! | guard | file | test |
//! |---|---|---|
//! | host | server/src/access/allowed_hosts.rs | server/tests/door.rs: a_foreign_host_is_refused_on_every_route |
//! | origin | server/src/access/allowed_hosts.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | origin-whole | server/src/access/allowed_hosts.rs | server/tests/door.rs: a_foreign_origin_changes_nothing_and_opens_no_socket |
//! | origin-socket | server/src/access/allowed_hosts.rs | server/tests/door.rs: a_foreign_origin_changes_nothing_and_opens_no_socket |
//! | bearer | server/src/access/allowed_hosts.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | header-once | server/src/access/allowed_hosts.rs | server/src/access/allowed_hosts.rs: host_and_origin_are_compared_with_the_configuration |
//! | no-gate | server/src/access/gate.rs | server/tests/door.rs: without_a_gate_nothing_works_and_the_page_says_so |
//! | identity-asked | server/src/http/routes.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | identity-elsewhere | server/src/http/routes.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | identity-known | server/src/http/refusal.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | identity-socket | server/src/http/socket/mod.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | token-compared | server/src/access/token.rs | server/src/access/token.rs: only_the_whole_token_passes |
//! | token-whole | server/src/access/token.rs | server/src/access/token.rs: only_the_whole_token_passes |
//! | token-length | server/src/access/token.rs | server/src/access/token.rs: only_the_whole_token_passes |
//! | token-expiry | server/src/access/token.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | login-token | server/src/access/token.rs | server/src/access/token.rs: a_login_outlives_a_change_of_the_configuration_unless_its_token_goes |
//! | login-expiry | server/src/access/token.rs | server/src/access/token.rs: a_token_that_has_expired_is_not_known_and_its_logins_end |
//! | login-life | server/src/access/token.rs | server/src/access/token.rs: a_login_lives_until_its_logout_and_is_not_the_token |
//! | logout | server/src/access/token.rs | server/src/access/token.rs: a_login_lives_until_its_logout_and_is_not_the_token |
//! | cookie | server/src/access/token.rs | server/src/access/token.rs: a_login_lives_until_its_logout_and_is_not_the_token |
//! | lockout | server/src/access/token.rs | server/src/access/token.rs: a_source_that_failed_too_often_is_locked_and_a_right_token_always_passes |
//! | lockout-crowd | server/src/access/lockout.rs | server/src/access/lockout.rs: what_is_remembered_is_bounded_and_no_crowd_of_others_opens_a_lock |
//! | throttle | server/src/http/guard.rs | server/tests/door.rs: a_source_that_asks_too_often_waits_alone |
//! | forwarded | server/src/access/peer.rs | server/src/access/peer.rs: only_a_trusted_proxy_says_for_whom_it_speaks_and_only_the_last_hop_it_saw |
//! | proxy-peer | server/src/access/proxy.rs | server/src/access/proxy.rs: the_peer_and_its_secret_come_before_the_identity |
//! | proxy-secret | server/src/access/proxy.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | proxy-secret-there | server/src/access/proxy.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | proxy-once | server/src/access/proxy.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | proxy-spelling | server/src/access/proxy.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | proxy-empty | server/src/access/proxy.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | map-whole | server/src/access/user_map.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | map-letters | server/src/access/user_map.rs | server/tests/identity.rs: a_forged_or_doubtful_identity_header_is_nobody |
//! | map-line | server/src/access/proxy.rs | server/tests/identity.rs: an_unmapped_identity_hears_so_and_a_missing_account_is_named |
//! | map-system | server/src/access/user_map.rs | server/tests/identity.rs: accounts_of_the_system_are_refused_unless_they_are_named |
//! | gate-fails | server/src/access/custom.rs | server/tests/embedded.rs: whatever_goes_wrong_in_the_login_nobody_gets_in |
//! | permit | app/core/src/policy.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | permit-unknown | app/core/src/policy.rs | server/tests/door.rs: unknown_comes_before_forbidden_and_after_unauthenticated |
//! | type-right | app/core/src/policy.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | visible | app/core/src/view.rs | server/tests/identity.rs: two_identities_cannot_see_name_open_touch_or_infer_each_others_sessions |
//! | board-whole | server/src/http/socket/board.rs | server/tests/identity.rs: a_boards_socket_tells_nobody_of_anothers_sessions |
//! | board-news | server/src/http/socket/board.rs | server/tests/identity.rs: a_boards_socket_tells_nobody_of_anothers_sessions |
//! | still-allows | server/src/http/socket/session.rs | server/tests/identity.rs: what_is_withdrawn_ends_what_is_open_and_a_bad_configuration_changes_nothing |
//! | recheck-board | server/src/http/socket/board.rs | server/tests/identity.rs: what_is_withdrawn_ends_what_is_open_and_a_bad_configuration_changes_nothing |
//! | recheck-terminal | server/src/http/socket/session.rs | server/tests/identity.rs: a_changed_user_map_lets_in_and_throws_out_without_a_restart |
//! | reload | server/src/config/reload.rs | server/tests/identity.rs: what_is_withdrawn_ends_what_is_open_and_a_bad_configuration_changes_nothing |
//! | confirm | server/src/board_port.rs | server/tests/door.rs: create_and_kill_for_another_account_by_the_documented_line |
//! | confirm-exact | app/core/src/confirm.rs | server/tests/door.rs: create_and_kill_for_another_account_by_the_documented_line |
//! | form-fields | server/src/http/forms.rs | server/tests/door.rs: unknown_comes_before_forbidden_and_after_unauthenticated |
//! | form-limit | server/src/http/forms.rs | server/tests/routes.rs: no_route_reads_a_body_that_is_too_long |
//! | json-create | server/src/http/api.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | json-rename | server/src/http/api.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | json-kill | server/src/http/api.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | json-refresh | server/src/http/api.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | json-answer | server/src/http/api.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | answer-fields | server/src/http/pages/answer.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | answer-right | app/core/src/policy.rs | server/tests/table.rs: every_route_times_every_identity_times_host_and_origin |
//! | answer-seen | server/fleet/src/answer.rs | server/fleet/tests/answers.rs: an_answer_to_a_screen_that_changed_sends_no_byte |
//! | answer-once | server/fleet/src/answer.rs | server/fleet/tests/answers.rs: an_answer_is_sent_once_though_the_screen_does_not_change |
//! | answer-hidden | server/fleet/src/transport/mod.rs | server/fleet/tests/answers.rs: the_text_of_an_answer_is_among_no_arguments_and_in_no_message_of_tmux |
//! | answer-same | app/core/src/tmux/question.rs | server/fleet/tests/answers.rs: tmux_itself_compares_the_screen_before_it_sends |
//! | answer-pane | app/core/src/tmux/question.rs | server/fleet/tests/answers.rs: a_pane_that_takes_no_answer_gets_none |
//! | answer-text | app/core/src/tmux/question.rs | app/core/src/tmux/question.rs: no_text_of_a_pane_becomes_a_format_a_command_or_a_quote |
//! | query | server/src/http/problem.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | body-limit | server/src/http/routes.rs | server/tests/api.rs: what_is_not_known_is_refused_in_words |
//! | headers | server/src/http/guard.rs | server/tests/door.rs: every_answer_carries_the_headers |
//! | frames | server/src/http/guard.rs | server/tests/door.rs: every_answer_carries_the_headers |
//! | no-store | server/src/http/guard.rs | server/tests/door.rs: every_answer_carries_the_headers |
//! | next-own | server/src/http/pages/login.rs | server/tests/identity.rs: next_leads_to_own_paths_only_and_no_secret_is_logged |
//! | next-plain | server/src/http/pages/login.rs | server/tests/identity.rs: next_leads_to_own_paths_only_and_no_secret_is_logged |
//! | next-dots | server/src/http/pages/login.rs | server/src/http/pages/login.rs: next_never_leads_away |
//! | login-path | server/src/access/token.rs | server/src/access/token.rs: a_cookie_opens_nothing_without_the_path_of_its_login_nor_the_path_without_its_cookie |
//! | login-path-loopback | server/src/config/auth.rs | server/src/config/mod.rs: logins_have_paths_wherever_another_account_can_serve_another_port_of_the_same_host_name |
//! | login-path-elsewhere | server/src/http/guard.rs | server/tests/embedded.rs: no_page_has_a_second_url_where_logins_have_no_paths |
//! | network-clear | server/src/config/listen.rs | server/src/config/listen.rs: each_refusal_says_why_and_where |
//! | network-open | server/src/config/listen.rs | server/src/config/listen.rs: each_refusal_says_why_and_where |
//! | network-opened | server/src/config/reload.rs | server/tests/listen.rs: a_gate_cannot_be_opened_while_the_network_reaches_it |
//! | network-proxy | server/src/config/listen.rs | server/src/config/listen.rs: each_refusal_says_why_and_where |
//! | unix-mode | server/src/config/listen.rs | server/src/config/listen.rs: each_refusal_says_why_and_where |
//! | unix-folder | server/src/http/listen/unix.rs | server/src/http/listen/unix.rs: a_folder_that_others_write_in_is_refused |
//! | one-address | server/src/http/listen/connection_limiter.rs | server/tests/listen.rs: one_address_has_half_of_the_connections_and_gives_them_back |
//! | head-each | server/src/http/listen/activity.rs | server/tests/heads.rs: every_head_of_a_connection_must_come_in_time_and_idle_connections_close_for_new_ones |
//! | head-bytes | server/src/http/listen/serve.rs | server/tests/heads.rs: a_target_of_another_host_and_a_head_beyond_the_bound_are_refused |
//! | target-host | server/src/access/allowed_hosts.rs | server/tests/heads.rs: a_target_of_another_host_and_a_head_beyond_the_bound_are_refused |
//! | idle-first | server/src/http/listen/connection_limiter.rs | server/src/http/listen/connection_limiter.rs: an_idle_connection_closes_where_no_other_is_free |
//! | identity-length | server/src/access/gate.rs | server/src/access/custom.rs: whatever_goes_wrong_in_it_is_a_refusal |
//! | upload-off | server/src/http/upload.rs | server/tests/upload.rs: uploads_are_off_unless_the_configuration_says_so_and_a_withdrawn_right_ends_one |
//! | upload-withdrawn | server/src/http/upload.rs | server/tests/upload.rs: uploads_are_off_unless_the_configuration_says_so_and_a_withdrawn_right_ends_one |
//! | upload-size | server/src/http/upload.rs | server/tests/upload.rs: size_and_number_are_capped_and_what_is_old_goes |
//! | upload-many | app/core/src/upload.rs | server/tests/upload.rs: size_and_number_are_capped_and_what_is_old_goes |
//! | upload-moment | server/fleet/src/fleet.rs | server/tests/upload.rs: many_files_at_one_moment_are_told_to_wait |
//! | upload-mode | app/core/src/upload.rs | server/tests/upload.rs: a_file_lands_as_its_user_closed_to_everybody_else_under_a_name_nobody_guesses |
//! | upload-link | app/core/src/upload.rs | server/tests/upload.rs: what_stands_in_the_folders_place_is_refused_and_nothing_is_written_through_it |
//! | upload-closed | app/core/src/upload.rs | server/tests/upload.rs: what_stands_in_the_folders_place_is_refused_and_nothing_is_written_through_it |
//! | upload-cut | app/core/src/upload.rs | server/tests/upload.rs: a_cut_upload_leaves_nothing_behind |
//! | upload-type | server/src/http/upload.rs | server/src/http/upload.rs: what_a_file_is_its_bytes_say |
//! | create-files | server/fleet/src/creations.rs | server/tests/creating.rs: a_session_that_would_take_a_servers_last_open_files_is_refused_and_the_server_goes_on |
//! | watcher-bytes | server/fleet/src/attach.rs | server/tests/terminal.rs: a_watcher_sends_every_byte_and_changes_nothing |
//! | watcher-size | server/fleet/src/attach.rs | server/tests/terminal.rs: a_watcher_sends_every_byte_and_changes_nothing |
//! | trust-owner | server/fleet/src/trust.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-mode | server/fleet/src/trust.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-sticky | server/fleet/src/trust.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-above | server/fleet/src/trust.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-secret | server/fleet/src/transport/secret.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-named | server/src/config/reload.rs | server/tests/trusted.rs: what_others_can_change_is_refused_at_the_start_and_by_check_until_the_line_that_is_said_mends_it |
//! | trust-reload | server/src/config/reload.rs | server/tests/trusted.rs: a_configuration_or_a_map_that_others_may_write_is_not_taken_while_the_board_runs |
//! | trust-map | server/src/access/user_map.rs | server/tests/trusted.rs: a_configuration_or_a_map_that_others_may_write_is_not_taken_while_the_board_runs |
//! | memory | server/src/cli/mod.rs | server/tests/trusted.rs: another_program_of_the_same_account_reads_neither_its_memory_nor_its_environment |
//! | runtime-taken | server/fleet/src/transport/runtime.rs | server/tests/trusted.rs: a_runtime_directory_that_another_account_has_made_is_left_to_it |
//! | refusals-counted | server/src/http/context.rs | server/tests/records.rs: strangers_cannot_rotate_a_persons_act_away_or_flood_the_log |
//! | refusals-sources | server/src/access/refusals.rs | server/tests/records.rs: strangers_cannot_rotate_a_persons_act_away_or_flood_the_log |
//! | answer-recorded | server/src/http/guard.rs | server/tests/records.rs: an_act_that_was_answered_is_in_a_record_though_the_board_is_killed_at_that_moment |
//! | audit-removed | server/src/cli/audit.rs | server/tests/records.rs: verify_says_what_was_rotated_away_and_what_was_removed |
//! | audit-oldest | server/src/audit/disk.rs | server/tests/records.rs: verify_says_what_was_rotated_away_and_what_was_removed |
//! | logout-record | server/src/http/pages/login.rs | server/tests/records.rs: a_logout_and_a_file_that_does_not_come_are_each_one_record |
//! | upload-record | server/src/http/upload.rs | server/tests/records.rs: a_logout_and_a_file_that_does_not_come_are_each_one_record |
//! | policy-whole | server/src/http/guard.rs | server/tests/door.rs: every_answer_carries_the_headers |
//! | act-record | server/fleet/src/report.rs | server/tests/routes.rs: every_act_and_every_refusal_of_one_is_one_record_and_nothing_else_is |
//! | held | server/fleet/src/attach.rs | server/tests/killed.rs: nothing_is_left_of_terminals_through_sudo_that_were_being_opened |
//! | held-far | server/fleet/src/attach.rs | server/tests/killed.rs: nothing_is_left_of_terminals_through_sudo_that_were_being_opened |
//! | job-lines | server/fleet/src/transport/shell.rs | server/fleet/src/transport/shell.rs: a_writer_that_the_login_shell_left_behind_is_in_no_answer |

mod support;

use futures_util::{SinkExt, StreamExt};
use muxboard::Access;
use muxboard_core::wire::{Grid, ToServer};
use std::collections::BTreeMap;
use std::io::Write;
use support::asked::{Expected, FULL, all, ask};
use support::request::address;
use support::{Accounts, Board, Login, PATIENCE, Request, accounts, hash, unique};
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};

const WATCH: &str = "a-token-that-may-watch";
const NOTHING: &str = "a-token-without-a-grant";
const EXPIRED: &str = "a-token-that-has-expired";
const WRONG: &str = "a-token-nobody-ever-gave";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    None,
    Wrong,
    Expired,
    OutOfScope,
    WatchOnly,
    Full,
    Revoked,
}

/// With what: a header of one's own, or what a browser sends by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    Nothing,
    Bearer(&'static str),
    Cookie(Login),
    /// A cookie that somebody else got hold of, without the path of its login.
    CookieAlone(Login),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    Right,
    ForeignOrigin,
    NullOrigin,
    NoOrigin,
    ForeignHost,
    NoHost,
    /// The right one, twice: which of them another program in front has looked at is not known.
    TwoHosts,
}
const DOORS: [Door; 7] = [Door::Right, Door::ForeignOrigin, Door::NullOrigin, Door::NoOrigin, Door::ForeignHost, Door::NoHost, Door::TwoHosts];

fn config(accounts: &Accounts, socket: &str) -> String {
    let mut tokens = String::new();
    for (name, token, more) in [("full", FULL, ""), ("watch", WATCH, ""), ("nothing", NOTHING, ""), ("old", EXPIRED, "expires = 2020-01-01\n")] {
        tokens += &format!("[[auth.token]]\nname = \"{name}\"\nsha256 = \"{}\"\n{more}", hash(token));
    }
    // Each request says that it comes from another address, so that its failures lock nobody out.
    format!(
        "listen = \"127.0.0.1:0\"\n[limits]\nrequests_per_second = 0\n[upload]\nenabled = true\n[auth]\ngate = \"token\"\n[auth.proxy]\ntrusted = [\"127.0.0.1\"]\n{tokens}\
         [[grant]]\nwho = [\"full\"]\nhosts = [\"*\"]\nusers = [\"*\"]\ncan = [\"type\", \"create\", \"kill\"]\n\
         [[grant]]\nwho = [\"watch\"]\nhosts = [\"*\"]\nusers = [\"*\"]\ncan = [\"watch\"]\n\
         [[host]]\nkey = \"here\"\nlocal = true\nusers = [\"{}\"]\nsocket_name = \"{socket}\"\n",
        accounts.front
    )
}

fn expected(needs: Access, changes: bool, who: Who, proof: &Proof, door: Door, known: &Expected) -> String {
    let own_header = matches!(proof, Proof::Bearer(_));
    let ambient = changes || needs == Access::Socket;
    let refused = match door {
        Door::ForeignHost | Door::NoHost | Door::TwoHosts => true,
        Door::ForeignOrigin | Door::NullOrigin => ambient,
        Door::NoOrigin => ambient && !own_header,
        Door::Right => false,
    };
    if refused {
        return "403".into();
    }
    if needs == Access::Public {
        return known.full.into();
    }
    match who {
        Who::None | Who::Wrong | Who::Expired | Who::Revoked => if needs == Access::Socket { "4001" } else { "401" }.into(),
        Who::OutOfScope => known.nothing.into(),
        Who::WatchOnly => known.watch.into(),
        Who::Full => known.full.into(),
    }
}

/// The status; of a WebSocket that was opened, its close code, or `live` if it says something else first.
async fn send(board: &Board, needs: Access, request: Request<'_>, proof: &Proof, door: Door) -> String {
    let own = format!("http://127.0.0.1:{}", board.port);
    let base = if let Proof::Cookie(login) = proof { login.base.as_str() } else { "" };
    let request = request.below(base);
    let mut headers = vec![("X-Forwarded-For", address())];
    match proof {
        Proof::Nothing => {}
        Proof::Bearer(token) => headers.push(("Authorization", format!("Bearer {token}"))),
        Proof::Cookie(login) | Proof::CookieAlone(login) => headers.push(("Cookie", login.cookie.clone())),
    }
    match door {
        Door::Right | Door::NoHost | Door::TwoHosts => headers.push(("Origin", own)),
        Door::ForeignOrigin => headers.push(("Origin", "http://evil.example".into())),
        Door::NullOrigin => headers.push(("Origin", "null".into())),
        Door::NoOrigin => {}
        Door::ForeignHost => headers.extend([("Host", "evil.example".into()), ("Origin", "http://evil.example".into())]),
    }
    // No client for WebSockets says these things.
    let odd = matches!(door, Door::NoHost | Door::TwoHosts);
    if needs != Access::Socket || odd {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = if needs == Access::Socket { request.websocket() } else { request };
        let request = match door {
            Door::NoHost => request.without("Host"),
            Door::TwoHosts => request.again("Host", &format!("127.0.0.1:{}", board.port)),
            _ => request,
        };
        return request.send().status.to_string();
    }
    let mut request = format!("ws://127.0.0.1:{}{}", board.port, request.path).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let mut socket = match timeout(PATIENCE, connect_async(request)).await.unwrap() {
        Ok((socket, _)) => socket,
        Err(Error::Http(answer)) => return answer.status().as_u16().to_string(),
        Err(error) => panic!("{error}"),
    };
    let hello = ToServer::Hello { grid: Grid::clamped(80, 24), watch: false, name: String::new() };
    let _ = socket.send(Message::Binary(hello.encode().into())).await;
    match timeout(PATIENCE, socket.next()).await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => u16::from(frame.code).to_string(),
        Some(Ok(_)) => "live".into(),
        other => panic!("{other:?}"),
    }
}

fn log_in(board: &Board, token: &str) -> Proof {
    let answer = board.post("/login", &[("token", token)]).header("X-Forwarded-For", &address()).own_origin().send();
    assert_eq!(answer.status, 303);
    Proof::Cookie(Login::of(&answer))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_times_every_identity_times_host_and_origin() {
    let Some(accounts) = accounts() else { return };
    let socket = unique();
    let config = config(&accounts, &socket);
    let board = Board::with(accounts, socket, &config);
    board.tmux(&board.accounts.front, &["new-session", "-d", "-s", "taken"]);
    // Before the first look nothing is known to be gone.
    support::sshd::until("it was looked at", || {
        let seen = board.get("/api/v1/sessions").header("X-Forwarded-For", &address()).token(FULL).send().body;
        seen.contains("\"sessions\"") && !seen.contains("\"pending\"")
    });

    let mut routes = muxboard::routes();
    // A row for each server function, and for one that is none.
    let family = routes.iter().position(|(_, path, _)| *path == "/fn/{function}").unwrap();
    let (method, _, needs) = routes.remove(family);
    routes.extend(muxboard::functions().into_iter().chain(["any other"]).map(|name| (method, &*format!("/fn/{name}").leak(), needs)));
    routes.push(("GET", "any other", Access::Identity));
    let Proof::Cookie(stolen) = log_in(&board, FULL) else { unreachable!() };
    let wrong = Login { cookie: format!("muxboard_{}=nothing", board.port), ..stolen.clone() };
    let mut callers = vec![(Who::None, Proof::Nothing), (Who::Wrong, Proof::Bearer(WRONG)), (Who::Wrong, Proof::Cookie(wrong))];
    callers.extend([(Who::Wrong, Proof::CookieAlone(stolen)), (Who::Expired, Proof::Bearer(EXPIRED))]);
    for (who, token) in [(Who::OutOfScope, NOTHING), (Who::WatchOnly, WATCH), (Who::Full, FULL)] {
        callers.extend([(who, Proof::Bearer(token)), (who, log_in(&board, token))]);
    }
    // Logged in before it was withdrawn.
    let revoked = [(Who::Revoked, Proof::Bearer(FULL)), (Who::Revoked, log_in(&board, FULL))];

    let (mut rows, mut wrong) = (BTreeMap::new(), Vec::new());
    check(&board, &routes, &callers, &mut rows, &mut wrong).await;
    let without = config.replace(&format!("[[auth.token]]\nname = \"full\"\nsha256 = \"{}\"\n", hash(FULL)), "");
    assert_ne!(without, config);
    board.configure(&without);
    support::sshd::until("the token is withdrawn", || board.get("/api/v1/whoami").header("X-Forwarded-For", &address()).token(FULL).send().status == 401);
    check(&board, &routes, &revoked, &mut rows, &mut wrong).await;

    let mut out = std::io::stderr();
    writeln!(out, "\n{:<62}{}", "route, identity, proof", DOORS.map(|door| format!("{door:<16?}")).concat()).unwrap();
    for (row, answers) in &rows {
        writeln!(out, "{row:<62}{}", answers.iter().map(|answer| format!("{answer:<16}")).collect::<String>()).unwrap();
    }
    assert!(rows.len() >= routes.len() * 11, "{}", rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nothing of all this changed anything.
    assert_eq!(board.tmux(&board.accounts.front, &["list-sessions", "-F", "#{session_name}"]), "taken");
}

async fn check(
    board: &Board,
    routes: &[(&'static str, &'static str, Access)],
    callers: &[(Who, Proof)],
    rows: &mut BTreeMap<String, Vec<String>>,
    wrong: &mut Vec<String>,
) {
    for (method, path, needs) in routes {
        for (who, proof) in callers {
            // It ends the very login that it comes with.
            if *path == "/logout" && matches!(proof, Proof::Cookie(_)) {
                continue;
            }
            for door in DOORS {
                // With the token that is withdrawn nobody logs in any more.
                let relogin = *path == "/login" && *method == "POST" && *who == Who::Revoked;
                let (request, known) = ask(board, method, path);
                let known = if relogin { all("401") } else { known };
                let want = expected(*needs, *method != "GET", *who, proof, door, &known);
                let got = send(board, *needs, request, proof, door).await;
                let how = match proof {
                    Proof::Nothing => "-",
                    Proof::Bearer(_) => "bearer",
                    Proof::Cookie(_) => "cookie",
                    Proof::CookieAlone(_) => "cookie alone",
                };
                let row = format!("{method:<7}{path:<38}{who:?} {how}");
                if got != want {
                    wrong.push(format!("{row} {door:?}: got {got}, expected {want}"));
                }
                rows.entry(row).or_default().push(got);
            }
        }
    }
}
