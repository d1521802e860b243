use std::fmt;

use http::{request, response};

use crate::{Action, Rejection};

/// A control: a check on a request's head, and perhaps an amendment of the answer's head.
///
/// A guard neither waits nor knows its [`Enforcement`](crate::Enforcement): it says what it finds and changes what it
/// would change, and [`GuardLayer`](crate::GuardLayer) works on a copy when nothing is to happen.
pub trait Guard: Send + Sync + 'static {
    /// The name of the control, in the word of the tenant's file.
    const FEATURE: &'static str;

    /// What a passing check hands to the amendment of the answer, such as the state of a quota.
    type Ticket: Send + 'static;

    /// Why a request is refused.
    type Refusal: Refusal;

    /// Notes in a request's extensions what later controls go by, such as the class of its route. Done before the check,
    /// and under `report` too, where all that the check changes is thrown away: it changes nothing that an application
    /// sees. By default nothing.
    fn mark(&self, head: &mut request::Parts) {
        let _ = head;
    }

    /// Decides about a request, and may change its head (open a sealed cookie, drop a header).
    ///
    /// # Errors
    ///
    /// The refusal, which becomes the answer.
    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<Self::Ticket, Self::Refusal>;

    /// Changes the head of the answer to a request that passed. By default nothing.
    fn amend(&self, ticket: Self::Ticket, head: &mut response::Parts, findings: &mut Findings) {
        let _ = (ticket, head, findings);
    }
}

/// Why a request is refused: `Display` is for the operator, [`rejection`](Self::rejection) for the client.
pub trait Refusal: fmt::Display + Send {
    /// The answer, with nothing internal in it.
    fn rejection(&self) -> Rejection;
}

/// What a guard repaired or noticed while letting a request or an answer pass. Each finding becomes a
/// [`Decision`](crate::Decision). Empty costs nothing.
#[derive(Debug, Default)]
pub struct Findings(Vec<(Action, &'static str, String)>);

impl Findings {
    /// Notes one repair: a stable code, and what was seen (no secrets, no values of cookies).
    pub fn note(&mut self, code: &'static str, evidence: impl Into<String>) {
        self.0.push((Action::Repair, code, evidence.into()));
    }

    /// Tells of something about which nothing was done.
    pub fn notice(&mut self, code: &'static str, evidence: impl Into<String>) {
        self.0.push((Action::Notice, code, evidence.into()));
    }

    /// The findings so far.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(_, code, evidence)| (*code, evidence.as_str()))
    }

    pub(crate) fn drain(&mut self) -> std::vec::Drain<'_, (Action, &'static str, String)> {
        self.0.drain(..)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A guard whose state is shared is a guard.
impl<G: Guard> Guard for std::sync::Arc<G> {
    const FEATURE: &'static str = G::FEATURE;
    type Ticket = G::Ticket;
    type Refusal = G::Refusal;

    fn mark(&self, head: &mut request::Parts) {
        G::mark(self, head);
    }

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<Self::Ticket, Self::Refusal> {
        G::check(self, head, findings)
    }

    fn amend(&self, ticket: Self::Ticket, head: &mut response::Parts, findings: &mut Findings) {
        G::amend(self, ticket, head, findings);
    }
}
