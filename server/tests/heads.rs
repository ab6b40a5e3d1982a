//! The head of a request on a connection: how long it may take, how long it may be, and for which host it may ask.

mod support;

use muxboard_core::limits::{CONNECTIONS_MIN, CONNECTIONS_OF_ONE_PART, HEAD_BYTES_MAX, HEAD_SECONDS_MAX};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::TOKEN;
use support::served::{Place, ask, get, plain};

const HEAD: Duration = Duration::from_secs(HEAD_SECONDS_MAX);

fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

#[test]
fn every_head_of_a_connection_must_come_in_time_and_idle_connections_close_for_new_ones() {
    let Some(place) = Place::new() else { return };
    let _board = place.serve(&format!("listen = \"127.0.0.1:{}\"\n[limits]\nconnections = {CONNECTIONS_MIN}\n", place.port), "");
    let own = format!("127.0.0.1:{}", place.port);
    let asked = || {
        let mut stream = plain(place.port);
        stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {own}\r\n\r\n").as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream
    };
    // Half a head after a whole request: 256 such connections once held the board for 123 s.
    let halves: Vec<TcpStream> = (0..CONNECTIONS_MIN / CONNECTIONS_OF_ONE_PART)
        .map(|_| {
            let mut stream = asked();
            stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {own}\r\nX-Slow: ").as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in halves {
        stream.set_read_timeout(Some(HEAD * 3)).unwrap();
        let mut rest = Vec::new();
        let mut stream = stream;
        assert!(stream.read_to_end(&mut rest).is_ok() && rest.is_empty(), "it was closed, and long before an idle one is");
    }
    // Idle ones: each further one is answered, and the one that was idle longest is closed.
    let mut idle: Vec<TcpStream> = (0..CONNECTIONS_MIN * 2).map(|_| asked()).collect();
    let mut last = idle.pop().unwrap();
    assert_eq!(idle.remove(0).read(&mut [0; 16]).unwrap(), 0);
    last.write_all(get("/healthz", &own, "").as_bytes()).unwrap();
    assert!(last.read(&mut [0; 4096]).unwrap() > 0, "a young one is kept");
}

#[test]
fn a_target_of_another_host_and_a_head_beyond_the_bound_are_refused() {
    let Some(place) = Place::new() else { return };
    let _board = place.serve(&format!("listen = \"127.0.0.1:{}\"", place.port), "");
    let own = format!("127.0.0.1:{}", place.port);
    let status = |target: &str, more: &str| ask(plain(place.port), &get(target, &own, more)).get(9..12).unwrap_or_default().to_owned();
    assert_eq!((status(&format!("http://{own}/healthz"), ""), status("http://evil.example/healthz", "")), ("200".into(), "400".into()));
    assert_eq!(status("http://evil.example:80/healthz", &bearer()), "400");
    for (bytes, want) in [(HEAD_BYTES_MAX - 1024, "200"), (HEAD_BYTES_MAX + 1024, "431"), (100_000, "431"), (1_000_000, "431")] {
        assert_eq!(status("/healthz", &format!("X-Long: {}\r\n", "x".repeat(bytes))), want, "one header of {bytes} bytes");
    }
    let many = |count: usize| format!("X-Some: {}\r\n", "x".repeat(1014)).repeat(count);
    assert_eq!((status("/healthz", &many(60)), status("/healthz", &many(66))), ("200".into(), "431".into()));
}
