use std::fmt;
use std::sync::Arc;

use crate::{Downstream, Enforcement};

/// One refusal, would-be refusal or repair of one control: the only event type there is.
///
/// Logs, metrics and the console read this and nothing else, so they cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The tenant whose stack decided; `None` when the front decided before a tenant was known.
    pub tenant: Option<Arc<str>>,
    /// The control, in the word of the tenant's file: `rate_limit`, `cookies`, …
    pub feature: &'static str,
    /// What was decided, as a stable code: the same word as on the error page and in the metric.
    pub code: &'static str,
    /// What the control did, or in report mode would have done.
    pub action: Action,
    /// Whether it was done (`enforce`) or only told (`report`).
    pub enforcement: Enforcement,
    /// Who asked, when that was known.
    pub downstream: Option<Downstream>,
    /// What was seen, for the operator. Never a secret, a cookie's value or a full query string; may hold text of the
    /// client's choice, so whoever prints it escapes it.
    pub evidence: String,
}

/// What a control does about what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The request is answered by the control and goes no further.
    Refuse,
    /// A part of the request or the response is changed or dropped, and the rest goes on.
    Repair,
    /// Nothing: somebody should know of it.
    Notice,
}

impl fmt::Display for Decision {
    /// One line, with everything that a client could have chosen escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match (self.action, self.enforcement) {
            (Action::Refuse, Enforcement::Enforce) => "refused",
            (Action::Repair, Enforcement::Enforce) => "repaired",
            (Action::Notice, _) => "noticed",
            (Action::Refuse, _) => "would refuse",
            (Action::Repair, _) => "would repair",
        };
        let tenant = self.tenant.as_deref().unwrap_or("-");
        write!(f, "{tenant} {verb} {}/{}", self.feature, self.code)?;
        if let Some(Downstream { client, request }) = self.downstream {
            write!(f, " client {} request {request}", client.network(32, 64))?;
        }
        write!(f, ": {}", self.evidence.escape_debug())
    }
}

/// Where decisions go. Called on the request's path: an implementation must neither block nor wait.
pub trait DecisionSink: Send + Sync + 'static {
    /// Takes one decision.
    fn record(&self, decision: Decision);
}

impl<F: Fn(Decision) + Send + Sync + 'static> DecisionSink for F {
    fn record(&self, decision: Decision) {
        self(decision);
    }
}

/// A tenant's way to the stream of decisions: the tenant's name and the sink.
#[derive(Clone)]
pub struct Reporter {
    tenant: Option<Arc<str>>,
    sink: Option<Arc<dyn DecisionSink>>,
}

impl Reporter {
    /// Reports in the name of one tenant.
    #[must_use]
    pub fn new(tenant: impl Into<Arc<str>>, sink: Arc<dyn DecisionSink>) -> Self {
        Self {
            tenant: Some(tenant.into()),
            sink: Some(sink),
        }
    }

    /// Reports for the front, where no tenant is known yet.
    #[must_use]
    pub fn front(sink: Arc<dyn DecisionSink>) -> Self {
        Self {
            tenant: None,
            sink: Some(sink),
        }
    }

    /// Reports to nobody: for tests and for the smallest examples.
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            tenant: None,
            sink: None,
        }
    }

    /// Records one decision of this tenant. The evidence is written out only when somebody listens.
    pub fn record(
        &self,
        feature: &'static str,
        code: &'static str,
        action: Action,
        enforcement: Enforcement,
        downstream: Option<Downstream>,
        evidence: impl fmt::Display,
    ) {
        if let Some(sink) = &self.sink {
            let (tenant, evidence) = (self.tenant.clone(), evidence.to_string());
            sink.record(Decision {
                tenant,
                feature,
                code,
                action,
                enforcement,
                downstream,
                evidence,
            });
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
