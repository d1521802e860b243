//! Two nodes that count in common.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;

use governor::clock::FakeRelativeClock;
use http::StatusCode;
use rempart_counts::{Ask, Away, Counts, SharedAsk, SharedCounts, SharedStanding, Taking};

use super::site::{Browser, Site, home, policy};
use crate::{LoginGuard, LoginKeys, limits};

/// A store that counts as a node does.
#[derive(Debug)]
struct Store(Counts);

impl Store {
    fn asks(&self, asks: Vec<SharedAsk>) -> Vec<Ask> {
        let of = |ask: SharedAsk| Ask {
            limit: self
                .0
                .limits()
                .iter()
                .position(|limit| limit.name == ask.limit)
                .unwrap(),
            key: ask.key,
            cost: ask.cost,
            operation: ask.operation,
        };
        asks.into_iter().map(of).collect()
    }
}

impl SharedCounts for Store {
    fn take(&self, asks: Vec<SharedAsk>) -> Pin<Box<dyn Future<Output = Result<Vec<SharedStanding>, Away>> + Send>> {
        let Taking::Now(taken) = self.0.take(&self.asks(asks)) else {
            unreachable!()
        };
        let standings = taken.standings.iter().map(|standing| SharedStanding {
            is_refused: standing.is_refused,
            full_in: standing.full_in,
        });
        let standings = standings.collect();
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok(standings)
        })
    }

    fn put(&self, asks: Vec<SharedAsk>) {
        self.0.put(&self.asks(asks));
    }

    fn is_there(&self) -> bool {
        true
    }

    fn nodes(&self) -> NonZeroU32 {
        NonZeroU32::new(2).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn two_nodes_count_as_one() {
    let clock = FakeRelativeClock::default();
    let toml = "max_delay = \"0s\"";
    let store = Arc::new(Store(Counts::with_clock(limits::of(&policy(toml)), clock.clone())));
    let node = || {
        let guard = LoginGuard::with_clock(policy(toml), LoginKeys::new(&[7; 32], []), clock.clone());
        Site::of(guard.sharing(Some(Arc::clone(&store) as _)), clock.clone())
    };
    let (one, other) = (node(), node());
    let mut heard = 0;
    for _ in 0..10 {
        heard += one.guess(&home(), "marie", 1).await + other.guess(&home(), "marie", 1).await;
    }
    assert_eq!(heard, 10);
    let browser = Browser::at([192, 0, 2, 9]);
    assert_eq!(one.login(&browser, "marie", "right").await, StatusCode::SEE_OTHER);
    assert_eq!(
        other.guess(&browser.moves([198, 51, 100, 1]), "marie", 20).await,
        10,
        "known on both"
    );
}
