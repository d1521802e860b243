use http::{request, response};
use rempart_guard::{Findings, Guard, GuardLayer, Guarded, Reporter};
use tower_layer::Layer;

use crate::{CookiePolicy, CookieRefusal};

/// The control: opens what comes in, hardens and seals what goes out.
#[derive(Debug)]
pub struct Cookies(CookiePolicy);

impl Cookies {
    /// A control for one tenant.
    #[must_use]
    pub const fn new(policy: CookiePolicy) -> Self {
        Self(policy)
    }
}

impl Guard for Cookies {
    const FEATURE: &'static str = "cookies";
    type Ticket = ();
    type Refusal = CookieRefusal;

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<(), CookieRefusal> {
        self.0.check(&mut head.headers, findings)
    }

    fn amend(&self, (): (), head: &mut response::Parts, findings: &mut Findings) {
        self.0.amend(&mut head.headers, findings);
    }
}

/// The control as a [`tower`](tower_layer) layer: see the [crate's example](crate).
///
/// It belongs inside every other layer of ours, next to the application: whatever stands outside sees sealed values only.
#[derive(Clone, Debug)]
pub struct CookieLayer(GuardLayer<Cookies>);

impl CookieLayer {
    /// A layer that applies `policy` as its settings say (`enforce`, `report`, `off`) and tells `reporter`.
    #[must_use]
    pub fn new(policy: CookiePolicy, reporter: Reporter) -> Self {
        let enforcement = policy.enforcement();
        Self(GuardLayer::new(Cookies::new(policy), enforcement, reporter))
    }
}

impl<S> Layer<S> for CookieLayer {
    type Service = Guarded<Cookies, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}
