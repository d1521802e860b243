//! What is learned from an answer, and what is done to it.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::response;
use http_body::Body;
use rempart_guard::Action;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::LoginBody;
use crate::body::ReadTo;
use crate::device::Device;
use crate::outcome::{Outcome, Reading};
use crate::policy::Purpose;
use crate::subject::Subject;
use crate::turn::Turn;
use crate::watch::{Asked, Shown, Watch};

impl Watch {
    /// What the answer says. Reads no more of it than that takes.
    pub(crate) async fn judge<B>(
        &self,
        purpose: Purpose,
        asked: &Asked,
        head: &response::Parts,
        body: &mut LoginBody<B>,
    ) -> Outcome
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if purpose == Purpose::Reset {
            return Outcome::Failed;
        }
        let mut reading = match Reading::of(self.guard.policy(), (&asked.method, &asked.path), head) {
            Ok(reading) => reading,
            Err(outcome) => return outcome,
        };
        let mut outcome = None;
        let read = body.read(MOST_ANSWERED, |piece| {
            outcome = reading.read(piece);
            outcome.is_some()
        });
        let read_to = read.await;
        outcome.unwrap_or_else(|| reading.end(read_to == ReadTo::End))
    }

    /// Tells what an operator wants to know.
    pub(crate) fn note(&self, outcome: Outcome, turn: &Turn, subject: &Subject, asked: &Asked) {
        let Shown { account, network } = Shown::of(subject);
        if outcome == Outcome::Failed && turn.is_stuffed() {
            let evidence = format_args!("{account} failed from {network}, as many others");
            self.tell("login_stuffing", Action::Repair, asked.downstream, evidence);
        }
        if let (Outcome::Succeeded, Some(seen)) = (outcome, asked.breached) {
            let evidence = format_args!("{account} has a password that was seen {seen} times or more elsewhere");
            self.tell("password_breached", Action::Repair, asked.downstream, evidence);
        }
    }

    /// Answers to failures leave at the same time, whatever the application had to do for them.
    pub(crate) async fn even_out<B: Body<Data = Bytes> + Unpin>(&self, sent: Instant, body: &mut LoginBody<B>) {
        let Some(least) = self.guard.policy().even_timing.filter(|_| self.is_enforced()) else {
            return;
        };
        let until = sent + least;
        // A page that comes late tells as much as one that begins late.
        let _ = timeout_at(until, body.read(MOST_ANSWERED, |_| false)).await;
        sleep_until(until).await;
    }

    /// Gives the browser what it is known by the next time.
    pub(crate) fn remember(&self, subject: Subject, head: &mut response::Parts) {
        let cookie = self.guard.policy().device_cookie().filter(|_| self.is_enforced());
        let (Some(cookie), Some(account)) = (cookie, subject.account) else {
            return;
        };
        let device = subject.device.or_else(Device::new);
        let set = device.and_then(|device| device.logged_in(self.guard.keys(), cookie, account.tag, SystemTime::now()));
        if let Some(set) = set {
            head.headers.append(SET_COOKIE, set);
        }
    }
}

/// How much of an answer is read.
const MOST_ANSWERED: usize = 256 << 10;
