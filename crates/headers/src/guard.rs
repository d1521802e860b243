use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use http::header::X_CONTENT_TYPE_OPTIONS;
use http::{HeaderValue, request, response};
use rempart_guard::{Findings, Guard, GuardLayer, Guarded, Refusal, Rejection, Reporter};
use tower_layer::Layer;

use crate::HeadersPolicy;

/// The control: amends the head of every answer. Refuses nothing.
#[derive(Debug)]
pub struct Headers {
    policy: HeadersPolicy,
    told: AtomicU8,
}

impl Headers {
    /// A control for one tenant or one service.
    #[must_use]
    pub const fn new(policy: HeadersPolicy) -> Self {
        Self {
            policy,
            told: AtomicU8::new(0),
        }
    }
}

impl Guard for Headers {
    const FEATURE: &'static str = "headers";
    type Ticket = ();
    type Refusal = NeverRefuses;

    fn check(&self, _: &mut request::Parts, _: &mut Findings) -> Result<(), NeverRefuses> {
        Ok(())
    }

    fn amend(&self, (): (), head: &mut response::Parts, findings: &mut Findings) {
        let (headers, policy) = (&mut head.headers, &self.policy);
        let notes = &mut Notes {
            told: &self.told,
            findings,
        };
        policy.banners.amend(headers, notes);
        if let Some(hsts) = &policy.hsts {
            hsts.amend(headers, notes);
        }
        if policy.nosniff {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        policy.framing.amend(headers, notes);
        if let Some(referrer) = policy.referrer {
            referrer.amend(headers, notes);
        }
    }
}

/// The control as a [`tower`](tower_layer) layer: see the [crate's example](crate).
///
/// It belongs outside every layer that can refuse, so that refusals leave hardened too.
#[derive(Clone, Debug)]
pub struct HeadersLayer(GuardLayer<Headers>);

impl HeadersLayer {
    /// A layer that applies `policy` as its settings say (`enforce`, `report`, `off`) and tells `reporter`.
    #[must_use]
    pub fn new(policy: HeadersPolicy, reporter: Reporter) -> Self {
        let enforcement = policy.enforcement();
        Self(GuardLayer::new(Headers::new(policy), enforcement, reporter))
    }
}

impl<S> Layer<S> for HeadersLayer {
    type Service = Guarded<Headers, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}

/// The refusal that does not exist: this control lets every request pass.
#[derive(Clone, Copy, Debug)]
pub enum NeverRefuses {}

impl fmt::Display for NeverRefuses {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Refusal for NeverRefuses {
    fn rejection(&self) -> Rejection {
        match *self {}
    }
}

/// A kind of repair, told once in the life of a control: an application that sends a banner sends it with every answer,
/// and a decision for each would bury all others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Repair {
    BannerRemoved,
    FramingNarrowed,
    HstsReplaced,
    ReferrerReplaced,
}

impl Repair {
    const fn code(self) -> &'static str {
        match self {
            Self::BannerRemoved => "headers_banner_removed",
            Self::FramingNarrowed => "headers_framing_narrowed",
            Self::HstsReplaced => "headers_hsts_replaced",
            Self::ReferrerReplaced => "headers_referrer_replaced",
        }
    }
}

/// Where repairs of one answer are noted.
pub(crate) struct Notes<'a> {
    told: &'a AtomicU8,
    findings: &'a mut Findings,
}

impl Notes<'_> {
    /// Notes a repair unless its kind was told before; only then is the evidence written.
    pub(crate) fn once(&mut self, repair: Repair, evidence: impl FnOnce() -> String) {
        let bit = 1 << repair as u8;
        // A plain read first: it leaves the cache line with every core that asks, which after the first answer is all.
        let is_told = self.told.load(Ordering::Relaxed) & bit != 0;
        if !is_told && self.told.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.findings.note(repair.code(), evidence());
        }
    }

    /// An application's header as evidence: not all of it when it is long.
    pub(crate) fn shown(value: Option<&HeaderValue>) -> String {
        let bytes = value.map_or(&[][..], HeaderValue::as_bytes);
        String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
    }
}
