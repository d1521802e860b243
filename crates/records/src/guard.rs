use std::sync::Arc;

use http::request;
use rempart_guard::{Findings, Guard, GuardLayer, Guarded, Reporter, RouteClass, RoutePath};
use tower_layer::Layer;

use crate::{RouteUnmapped, RoutesPolicy, Unmapped};

/// The control: says what a request's route is for, and refuses what nobody has named.
#[derive(Debug)]
pub struct Routes(RoutesPolicy);

impl Routes {
    /// A control for one tenant or one service.
    #[must_use]
    pub const fn new(policy: RoutesPolicy) -> Self {
        Self(policy)
    }
}

impl Guard for Routes {
    const FEATURE: &'static str = "routes";
    type Ticket = ();
    type Refusal = RouteUnmapped;

    fn mark(&self, head: &mut request::Parts) {
        match self.0.class(&head.method, &RoutePath::from(&head.uri)) {
            Some(class) => drop(head.extensions.insert(class)),
            // A map that stands outside this one may have known another route under this path.
            None => drop(head.extensions.remove::<RouteClass>()),
        }
    }

    fn check(&self, head: &mut request::Parts, _: &mut Findings) -> Result<(), RouteUnmapped> {
        let path = RoutePath::from(&head.uri);
        if self.0.unmapped() == Unmapped::Pass || self.0.is_mapped(&head.method, &path) {
            return Ok(());
        }
        Err(RouteUnmapped::new(&head.method, &path))
    }
}

/// The first half of the control, for a stack in which something stands between both: says what a route is for, and refuses
/// nothing. A quota by class stands below it, and above [`UnmappedRoutes`], so that whoever tries out paths is counted.
#[derive(Clone, Debug)]
pub struct RouteClasses(pub Arc<Routes>);

impl Guard for RouteClasses {
    const FEATURE: &'static str = Routes::FEATURE;
    type Ticket = ();
    type Refusal = RouteUnmapped;

    fn mark(&self, head: &mut request::Parts) {
        self.0.mark(head);
    }

    fn check(&self, _: &mut request::Parts, _: &mut Findings) -> Result<(), RouteUnmapped> {
        Ok(())
    }
}

/// The second half: refuses what nobody has named, and says nothing.
#[derive(Clone, Debug)]
pub struct UnmappedRoutes(pub Arc<Routes>);

impl Guard for UnmappedRoutes {
    const FEATURE: &'static str = Routes::FEATURE;
    type Ticket = ();
    type Refusal = RouteUnmapped;

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<(), RouteUnmapped> {
        self.0.check(head, findings)
    }
}

/// The control as a [`tower`](tower_layer) layer: see the [crate's example](crate).
///
/// It belongs below the rate limit, so that a flood of made-up paths ends before it, and above every control that goes by
/// the class.
#[derive(Clone, Debug)]
pub struct RoutesLayer(GuardLayer<Routes>);

impl RoutesLayer {
    /// A layer that applies `policy` as its settings say (`enforce`, `report`, `off`) and tells `reporter`.
    #[must_use]
    pub fn new(policy: RoutesPolicy, reporter: Reporter) -> Self {
        let enforcement = policy.enforcement();
        Self(GuardLayer::new(Routes::new(policy), enforcement, reporter))
    }
}

impl<S> Layer<S> for RoutesLayer {
    type Service = Guarded<Routes, S>;

    fn layer(&self, inner: S) -> Self::Service {
        self.0.layer(inner)
    }
}
