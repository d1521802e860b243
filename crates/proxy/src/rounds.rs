//! So many turns in each round of a worker's scheduler, first come first served: what comes by the thousand in one moment is
//! worked at bit by bit, and everything else goes on between.
//!
//! tokio runs what is ready in the order in which it became ready. When a rush ends, a thousand clients break off at once, and
//! a thousand tasks are ready, each of which takes some ten microseconds to close its connection: a request that comes a
//! moment later would wait for all of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// The turns of one worker for one kind of work. A clone is the same.
#[derive(Clone)]
pub(crate) struct Rounds(Arc<Inner>);

struct Inner {
    each: usize,
    /// Fair: whoever waits goes before who comes.
    turns: Semaphore,
    /// Whether somebody gives new turns, round by round. Nobody does while there are some left.
    goes_round: AtomicBool,
}

impl Rounds {
    /// So many turns in a round.
    pub(crate) fn of(each: usize) -> Self {
        Self(Arc::new(Inner {
            each,
            turns: Semaphore::new(each),
            goes_round: AtomicBool::new(false),
        }))
    }

    /// Waits for a turn, if there is none in this round any more.
    pub(crate) async fn turn(&self) {
        let Ok(turn) = self.0.turns.acquire().await else { return };
        turn.forget();
        if self.0.turns.available_permits() == 0 && !self.0.goes_round.swap(true, Relaxed) {
            tokio::spawn(Arc::clone(&self.0).go_round());
        }
    }
}

/// Runs a future that has a turn of these for each of its steps: for each time that it is woken. Its end, with all that is
/// dropped then, is one of them.
pub(crate) async fn gradually<'a, F: Future>(turns: impl Fn() -> &'a Rounds, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        turns().turn().await;
        match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            Poll::Ready(output) => return output,
            Poll::Pending => woken().await,
        }
    }
}

impl Inner {
    /// Gives turns for each round until some are left over.
    async fn go_round(self: Arc<Self>) {
        loop {
            round().await;
            let left = self.turns.available_permits();
            self.turns.add_permits(self.each.saturating_sub(left));
            if self.turns.available_permits() > 0 {
                self.goes_round.store(false, Relaxed);
                return;
            }
        }
    }
}

/// Until the scheduler has looked at the network once, and has then been through all that is ready.
///
/// Not the first alone: it looks every few tasks, and what is let go on each time would stand in a long line among those that
/// only want to know what became ready.
pub(crate) async fn round() {
    yield_now().await;
    let mut first = true;
    poll_fn(|cx| match std::mem::take(&mut first) {
        true => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        false => Poll::Ready(()),
    })
    .await;
}

/// Until this task is woken, by whatever it has told to wake it.
async fn woken() {
    let mut asleep = true;
    poll_fn(|_| match std::mem::take(&mut asleep) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::task::JoinSet;
    use tokio::time::{sleep, timeout};

    use super::*;

    /// How many of a thousand have had their turn at the end of each round, until all have.
    async fn after_each_round(rounds: &Rounds) -> Vec<usize> {
        let (count, mut all, mut seen) = (Arc::new(AtomicUsize::new(0)), JoinSet::new(), Vec::new());
        for _ in 0..1_000 {
            let (rounds, count) = (rounds.clone(), Arc::clone(&count));
            all.spawn(async move {
                rounds.turn().await;
                count.fetch_add(1, Relaxed);
            });
        }
        while seen.last() != Some(&1_000) {
            yield_now().await;
            seen.push(count.load(Relaxed));
        }
        seen
    }

    #[tokio::test]
    async fn a_thousand_at_once_have_their_turns_a_few_in_each_round() {
        let rounds = Rounds::of(8);
        for _ in 0..2 {
            let seen = after_each_round(&rounds).await;
            let most = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(
                most <= Some(16),
                "what is given in one round and used in the next: {seen:?}"
            );
            assert!(seen.len() >= 1_000 / 16, "{seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_while_he_waits_takes_no_turn() {
        let rounds = Rounds::of(1);
        rounds.turn().await;
        {
            let mut gone = pin!(rounds.turn());
            assert!(poll_fn(|cx| Poll::Ready(gone.as_mut().poll(cx))).await.is_pending());
        }
        timeout(Duration::from_secs(1), async {
            rounds.turn().await;
            rounds.turn().await;
        })
        .await
        .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_waits_for_others_comes_to_its_end() {
        let (rounds, bell) = (Rounds::of(2), Arc::new(Notify::new()));
        let steps = async {
            bell.notified().await;
            sleep(Duration::from_secs(1)).await;
            yield_now().await;
            "done"
        };
        let ring = async {
            yield_now().await;
            bell.notify_one();
        };
        assert_eq!(tokio::join!(gradually(|| &rounds, steps), ring).0, "done");
    }
}
