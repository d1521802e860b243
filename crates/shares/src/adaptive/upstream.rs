use std::fmt;
use std::sync::Arc;

use rempart_guard::Enforcement;
use tokio::time::Instant;

use crate::adaptive::Sample;
use crate::line::Ticket;
use crate::refusal::{NoTurn, Of};
use crate::share::Handle;
use crate::turn::{self, Host, Turn};
use crate::{Priority, ShareRefusal, TenantShare};

impl TenantShare {
    /// Waits until the tenant's application is to be given one more request: at once, unless its limit is found out and
    /// reached. What is in flight and waits here is bounded by the limit and `max_waiting`, so that an application that has
    /// become slow holds no more of the edge than that.
    ///
    /// # Errors
    ///
    /// No turn in time.
    pub async fn upstream(&self, priority: Priority) -> Result<UpstreamPermit, ShareRefusal> {
        let handle = self.handle();
        let enforcement = match (handle.policy.enforcement(), handle.policy.adaptive.enforcement) {
            (Enforcement::Off, _) => return Ok(UpstreamPermit::of_nothing()),
            // What is only reported as a whole is so in its parts.
            (Enforcement::Report, Enforcement::Enforce) => Enforcement::Report,
            (_, enforcement) => enforcement,
        };
        let permit = |gated| UpstreamPermit::new(handle, gated);
        let gate = &handle.account.gate;
        if enforcement == Enforcement::Off {
            return Ok(permit(false));
        }
        if gate.enter() {
            return Ok(permit(true));
        }
        if enforcement == Enforcement::Report {
            gate.enter_anyway();
            let reported = Some(handle.no_upstream_turn(false));
            let mut permit = permit(true);
            permit.reported = reported;
            return Ok(permit);
        }
        let policy = &handle.policy;
        let limit = turn::limit(policy.max_wait);
        let (ticket, outcome) = gate
            .wait(priority, policy.most_waiting())
            .map_err(|_| handle.no_upstream_turn(false))?;
        let turn = Turn::new(AtGate(Arc::clone(handle)), ticket, outcome, limit);
        turn.await
            .map_err(|why| handle.no_upstream_turn(why == turn::NoTurn::TooLong))
    }

    /// The tenant has another application now, under another address: its limit is found out anew.
    pub fn forget_upstream(&self) {
        self.handle().account.gate.forget();
    }
}

/// A request's place with its tenant's application, until this is dropped: when the answer has ended, or when there is none.
///
/// From [`sent`](Self::sent) to the drop is the application's busy time, which counts in the order of turns. From
/// [`sent`](Self::sent) to [`answered`](Self::answered) is what the limit is found out from.
#[must_use = "what the application is given is counted until its permit is dropped"]
pub struct UpstreamPermit {
    handle: Option<Arc<Handle>>,
    gated: bool,
    sent: Option<Instant>,
    sampled: bool,
    reported: Option<ShareRefusal>,
}

impl UpstreamPermit {
    const fn of_nothing() -> Self {
        Self::of(None, false)
    }

    fn new(handle: &Arc<Handle>, gated: bool) -> Self {
        Self::of(Some(Arc::clone(handle)), gated)
    }

    const fn of(handle: Option<Arc<Handle>>, gated: bool) -> Self {
        Self {
            handle,
            gated,
            sent: None,
            sampled: false,
            reported: None,
        }
    }

    /// The request is on its way: to be called when its last byte is sent, for a request without a body at once. A second
    /// call counts anew from then.
    pub fn sent(&mut self) {
        self.sent = Some(Instant::now());
    }

    /// The head of the answer is here. Not to be called when the application switches protocols, or when the time was the
    /// client's: it sent its request's body meanwhile.
    pub fn answered(&mut self) {
        if self.gated && !self.sampled {
            let now = Instant::now();
            let taken = self.sent.map(|sent| now.saturating_duration_since(sent));
            taken
                .into_iter()
                .for_each(|time| self.sample(now, Sample::Answered(time)));
        }
    }

    /// There was no answer in time, or no connection.
    pub fn overloaded(&mut self) {
        if self.gated && !self.sampled {
            self.sample(Instant::now(), Sample::Overloaded);
        }
    }

    /// What `enforce` would have said, where the limit is only reported.
    #[must_use]
    pub const fn reported(&self) -> Option<&ShareRefusal> {
        self.reported.as_ref()
    }

    fn sample(&mut self, now: Instant, sample: Sample) {
        self.sampled = true;
        if let Some(handle) = &self.handle {
            handle.account.gate.sample(now, sample);
        }
    }
}

impl Drop for UpstreamPermit {
    fn drop(&mut self) {
        let Some(handle) = &self.handle else { return };
        if let Some(sent) = self.sent {
            handle.account.busy.add(sent.elapsed());
        }
        if self.gated {
            handle.account.gate.exit();
        }
    }
}

impl fmt::Debug for UpstreamPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamPermit")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// Who waits before an application.
struct AtGate(Arc<Handle>);

impl Host for AtGate {
    type Permit = UpstreamPermit;

    fn leave(&self, ticket: Ticket) -> bool {
        self.0.account.gate.leave(ticket)
    }

    fn permit(self) -> UpstreamPermit {
        UpstreamPermit::new(&self.0, true)
    }
}

impl Handle {
    fn no_upstream_turn(&self, too_long: bool) -> ShareRefusal {
        ShareRefusal::NoTurn(Box::new(NoTurn {
            tenant: Arc::clone(&self.account.name),
            of: Of::Upstream,
            in_use: self.account.gate.load()[0],
            share: self.account.gate.limit().unwrap_or(0),
            too_long,
            wait: self.policy.retry_after(),
        }))
    }
}
