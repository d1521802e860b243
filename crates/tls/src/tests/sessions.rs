//! A session resumes where it was made and nowhere else.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::StoresServerSessions as _;
use rustls::{ClientConfig, HandshakeKind, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fixture::{Ca, Edge, meet, text};
use crate::sessions::{LIFETIME, SESSIONS, Sessions};
use crate::{Certificate, Sites, StrictTls, now};

/// Shakes hands, lets the ticket arrive, and says whether both sides took it for a resumption.
async fn resumes(sites: &Sites<&'static str>, client: &Arc<ClientConfig>, name: &str) -> bool {
    let (server, client) = meet(sites, client, name).await;
    let (mut server, mut client) = (server.unwrap().stream, client.unwrap());
    server.write_all(b"!").await.unwrap();
    client.read_u8().await.unwrap();
    let kinds = [server.get_ref().1.handshake_kind(), client.get_ref().1.handshake_kind()];
    assert_eq!(
        kinds[0] == Some(HandshakeKind::Resumed),
        kinds[1] == Some(HandshakeKind::Resumed)
    );
    kinds[0] == Some(HandshakeKind::Resumed)
}

#[tokio::test]
async fn a_session_resumes_at_its_own_configuration_and_at_no_other_of_the_same_name_and_certificate() {
    let ca = Ca::new();
    let certificate: Certificate = ca.ca.issue(&["a.test"], now()).unwrap();
    let edge = || {
        let config = StrictTls::new(certificate.clone()).config();
        Sites::builder().site(["a.test"], config, "a").build()
    };
    for version in [&version::TLS12, &version::TLS13] {
        let client = Arc::new(ca.client_with(default_provider(), &[version]));
        let (before, after) = (edge(), edge());
        assert!(!resumes(&before, &client, "a.test").await);
        assert!(resumes(&before, &client, "a.test").await, "{version:?}");
        // The client offers what it has, and is not believed.
        assert!(!resumes(&after, &client, "a.test").await, "{version:?}");
        assert!(resumes(&after, &client, "a.test").await, "{version:?}");
    }
}

#[test]
fn a_session_of_one_site_never_resumes_at_another() {
    let ca = Ca::new();
    let edge = Edge::start(ca.two_sites());
    let session = ca.path("session");
    for version in ["-tls1_2", "-tls1_3"] {
        for (own, other) in [("a.test", "b.test"), ("b.test", "a.test")] {
            let connect = |name: &str, session_option: &str| {
                edge.s_client(&[version, "-servername", name, session_option, text(&session)]);
                edge.seen().unwrap().kind
            };
            assert_eq!(connect(own, "-sess_out"), HandshakeKind::Full);
            assert_eq!(
                connect(other, "-sess_in"),
                HandshakeKind::Full,
                "{version} {own} at {other}"
            );
            assert_eq!(connect(own, "-sess_out"), HandshakeKind::Full);
            assert_eq!(connect(own, "-sess_in"), HandshakeKind::Resumed, "{version} {own}");
        }
    }
}

#[test]
fn a_tls_1_3_session_is_used_once() {
    let ca = Ca::new();
    let edge = Edge::start(ca.two_sites());
    let session = ca.path("session");
    let kinds = ["-sess_out", "-sess_in", "-sess_in"].map(|option| {
        edge.s_client(&["-tls1_3", "-servername", "a.test", option, text(&session)]);
        edge.seen().unwrap().kind
    });
    assert_eq!(
        kinds,
        [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Full]
    );
}

thread_local!(static CLOCK: Cell<Instant> = Cell::new(Instant::now()));

fn sessions() -> Sessions {
    Sessions::new(|| CLOCK.get())
}

fn pass(span: Duration) {
    CLOCK.set(CLOCK.get() + span);
}

fn id(number: usize) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

#[test]
fn a_session_is_forgotten_after_a_day() {
    let sessions = sessions();
    assert!(sessions.put(id(1), b"one".to_vec()) && sessions.put(id(2), b"two".to_vec()));
    pass(LIFETIME - Duration::from_secs(1));
    assert_eq!(sessions.get(&id(1)).as_deref(), Some(&b"one"[..]));
    pass(Duration::from_secs(1));
    assert_eq!((sessions.get(&id(1)), sessions.take(&id(2))), (None, None));
}

#[test]
fn a_new_session_clears_away_what_is_over() {
    let sessions = sessions();
    for number in 0..10 {
        sessions.put(id(number), Vec::new());
    }
    pass(LIFETIME);
    sessions.put(id(10), Vec::new());
    assert_eq!(format!("{sessions:?}"), "Sessions { kept: 1, .. }");
}

#[test]
fn the_oldest_session_makes_room_and_no_flood_takes_more() {
    let sessions = sessions();
    for number in 0..10 * SESSIONS {
        sessions.put(id(number), vec![0; 100]);
    }
    assert_eq!(format!("{sessions:?}"), format!("Sessions {{ kept: {SESSIONS}, .. }}"));
    assert_eq!(sessions.get(&id(9 * SESSIONS - 1)), None);
    assert!(sessions.get(&id(9 * SESSIONS)).is_some());
}

#[test]
fn a_session_that_is_taken_is_gone_and_counts_no_more() {
    let sessions = sessions();
    for number in 0..3 * SESSIONS {
        sessions.put(id(number), Vec::new());
        assert!(sessions.take(&id(number)).is_some() && sessions.take(&id(number)).is_none());
    }
    assert_eq!(format!("{sessions:?}"), "Sessions { kept: 0, .. }");
}
