//! Nobody holds a handshake open for longer than its deadline. The clock is tokio's, and stands still.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::fixture::{Ca, DEADLINE, client_hello};
use crate::AcceptError;

/// How an edge with `a.test` and `b.test` takes what `client` does, and after how long.
async fn against<F: Future<Output = ()>>(ca: &Ca, client: impl FnOnce(DuplexStream) -> F) -> (AcceptError, Duration) {
    let (sites, began) = (ca.two_sites(), Instant::now());
    let (ours, theirs) = duplex(16 * 1024);
    tokio::select! {
        biased;
        accepted = sites.accept(ours, DEADLINE) => (accepted.map(drop).unwrap_err(), began.elapsed()),
        () = async { client(theirs).await; std::future::pending().await } => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut_off_at_the_deadline() {
    let (error, after) = against(&Ca::new(), async |stream| hold(stream).await).await;
    assert!(matches!(error, AcceptError::Deadline) && error.refusal().is_none());
    assert_eq!(after, DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_is_cut_off_at_the_deadline() {
    let ca = Ca::new();
    let hello = client_hello(ca.client(), "a.test");
    let (error, after) = against(&ca, async |mut stream| {
        for byte in hello {
            stream.write_u8(byte).await.unwrap();
            sleep(Duration::from_millis(500)).await;
        }
    })
    .await;
    assert!(matches!(error, AcceptError::Deadline));
    assert_eq!(after, DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_after_its_hello_is_cut_off_at_the_deadline() {
    let ca = Ca::new();
    let hello = client_hello(ca.client(), "a.test");
    let (error, after) = against(&ca, async |mut stream| {
        sleep(DEADLINE / 2).await;
        stream.write_all(&hello).await.unwrap();
        hold(stream).await;
    })
    .await;
    assert!(matches!(error, AcceptError::Deadline));
    assert_eq!(after, DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_refused_and_stays_is_left_after_a_second() {
    let ca = Ca::new();
    let hello = client_hello(ca.client(), "c.test");
    let (error, after) = against(&ca, async |mut stream| {
        stream.write_all(&hello).await.unwrap();
        hold(stream).await;
    })
    .await;
    assert!(matches!(error, AcceptError::UnknownName(_)));
    assert_eq!(after, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_near_the_deadline_is_still_a_refusal_and_ends_at_the_deadline() {
    let ca = Ca::new();
    let hello = client_hello(ca.client(), "c.test");
    let (error, after) = against(&ca, async |mut stream| {
        sleep(DEADLINE - Duration::from_millis(100)).await;
        stream.write_all(&hello).await.unwrap();
        hold(stream).await;
    })
    .await;
    assert!(matches!(error, AcceptError::UnknownName(_)));
    assert_eq!(after, DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_refused_and_goes_on_talking_is_left_after_a_while() {
    let ca = Ca::new();
    let hello = client_hello(ca.client(), "c.test");
    let (error, after) = against(&ca, async |mut stream| {
        stream.write_all(&hello).await.unwrap();
        while stream.write_all(&[23; 1024]).await.is_ok() {}
    })
    .await;
    assert!(matches!(error, AcceptError::UnknownName(_)));
    assert_eq!(after, Duration::ZERO);
}

async fn hold(mut stream: DuplexStream) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
    std::future::pending::<()>().await;
}
