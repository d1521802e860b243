use std::sync::Arc;

use http::{Method, StatusCode, request, response};
use rempart_guard::{
    Account, Downstream, EdgeSession, EdgeSessions, Findings, Guard, GuardLayer, Guarded, NoDownstream, Refusal,
    Rejection, Reporter, RouteClass, RoutePath,
};
use tower_layer::Layer;

use crate::account::{AccountHeaderLayer, WithoutAccountHeader};
use crate::cookies::{take_out, value_of};
use crate::ended::Ended;
use crate::place::Place;
use crate::policy::Role;
use crate::sessions::short;
use crate::table::Shown;
use crate::{Sessions, SessionsPolicy};

impl Guard for Sessions {
    const FEATURE: &'static str = "sessions";
    type Ticket = Seen;
    type Refusal = SessionsRefusal;

    /// Whose session it is, for what stands further in and counts by it. Under `report` too; an account that has been named
    /// stays noted until its session is known to have ended.
    fn mark(&self, head: &mut request::Parts) {
        head.extensions.remove::<Account>();
        if let Some(account) = self.account(head) {
            head.extensions.insert(Account(account));
        }
    }

    fn check(&self, head: &mut request::Parts, findings: &mut Findings) -> Result<Seen, SessionsRefusal> {
        let client = match self.policy.bind.network {
            true => Some(Downstream::of(&head.extensions)?.client),
            false => None,
        };
        let route = Route::of(&self.policy, head);
        let shown = self.shown(head);
        if shown.is_empty() {
            return Ok(Seen {
                route,
                place: Place::default(),
                shown,
            });
        }
        let place = Place::of(client, head, self.policy.bind);
        let mut seen = Seen { route, place, shown };
        self.judge(&mut seen, findings);
        self.take_out(&seen, head);
        if route.login || route.logout {
            for one in &mut seen.shown {
                one.value = value_of(&head.headers, &one.session.cookie).map(Box::from);
            }
        }
        Ok(seen)
    }

    fn amend(&self, seen: Seen, head: &mut response::Parts, findings: &mut Findings) {
        self.answer(seen, head, findings);
    }
}

impl Sessions {
    /// The watched sessions of a request, the session itself before those beside it.
    fn shown(&self, head: &request::Parts) -> Vec<OneShown> {
        let Some(EdgeSessions(all)) = head.extensions.get::<EdgeSessions>() else {
            return Vec::new();
        };
        let watched = all.iter().filter_map(|session| {
            Some(OneShown {
                role: self.policy.role(&session.cookie)?,
                session: session.clone(),
                ended: None,
                value: None,
            })
        });
        let mut shown: Vec<_> = watched.collect();
        shown.sort_by_key(|one| one.role != Role::Session);
        shown
    }

    /// The account of the first session that is shown and has one.
    fn account(&self, head: &request::Parts) -> Option<Arc<str>> {
        let EdgeSessions(all) = head.extensions.get()?;
        let watched = all
            .iter()
            .filter(|session| self.policy.role(&session.cookie) == Some(Role::Session));
        watched.filter_map(|session| self.table.account(session.id)).next()
    }

    fn judge(&self, seen: &mut Seen, findings: &mut Findings) {
        let (limits, now) = (self.limits(), self.now());
        let first = seen.shown.first().filter(|one| one.role == Role::Session);
        let with = first.map(|one| one.session.id);
        let mut first_ended = None;
        for one in &mut seen.shown {
            let id = one.session.id;
            let shown = Shown {
                session: &one.session,
                role: one.role,
                with: with.unwrap_or(id),
                place: seen.place,
            };
            let ended = match (one.role, first_ended) {
                (Role::Beside, Some(first)) => Some(self.ends_with(&one.session, first)),
                _ => match self.table.judge(shown, limits, now) {
                    Ok(None) => None,
                    Ok(Some(moved)) => {
                        findings.notice("session_moved", format!("{}: {moved}", named(&one.session)));
                        None
                    }
                    Err(ended) => Some(ended),
                },
            };
            if let Some(ended) = ended {
                findings.note(ended.code(), format!("{}: {ended}", named(&one.session)));
                // Under `report` it goes on.
                one.ended = Some(ended).filter(|_| limits.is_enforced);
            }
            if one.role == Role::Session {
                first_ended = first_ended.or(one.ended);
            }
        }
    }

    /// What comes with a session that has ended has ended too, for good: shown alone, it would begin another.
    fn ends_with(&self, session: &EdgeSession, first: Ended) -> Ended {
        if first.is_just_renewed() {
            return first;
        }
        let (limits, now) = (self.limits(), self.now());
        self.table
            .writer()
            .end(session.id, crate::ended::Why::Killed, limits, now);
        Ended::With
    }

    fn take_out(&self, seen: &Seen, head: &mut request::Parts) {
        let ended = seen.shown.iter().filter(|one| one.ended.is_some());
        let names: Vec<Arc<str>> = ended.map(|one| Arc::clone(&one.session.cookie)).collect();
        if names.is_empty() {
            return;
        }
        take_out(&mut head.headers, &names);
        if seen
            .shown
            .iter()
            .any(|one| one.ended.is_some() && one.role == Role::Session)
        {
            head.extensions.remove::<Account>();
        }
        if let Some(EdgeSessions(all)) = head.extensions.get_mut::<EdgeSessions>() {
            all.retain(|session| !names.contains(&session.cookie));
        }
    }
}

/// What a request has shown, for its answer.
#[derive(Debug)]
pub struct Seen {
    pub(crate) route: Route,
    pub(crate) place: Place,
    pub(crate) shown: Vec<OneShown>,
}

/// One session of a request.
#[derive(Debug)]
pub(crate) struct OneShown {
    pub(crate) session: EdgeSession,
    pub(crate) role: Role,
    /// Why it was taken out of the request.
    pub(crate) ended: Option<Ended>,
    /// What the application saw, where an answer may set it anew.
    pub(crate) value: Option<Box<[u8]>>,
}

/// What a request's route does to its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) login: bool,
    pub(crate) logout: bool,
    /// It may create an account or raise one, and does more than show a form.
    pub(crate) privilege: bool,
}

impl Route {
    fn of(policy: &SessionsPolicy, head: &request::Parts) -> Self {
        let path = RoutePath::from(&head.uri);
        let takes =
            |routes: &[rempart_guard::RoutePattern]| routes.iter().any(|route| route.matches(&head.method, &path));
        let is_safe = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        Self {
            login: takes(&policy.login),
            logout: takes(&policy.logout),
            privilege: !is_safe && head.extensions.get() == Some(&RouteClass::Privilege),
        }
    }
}

/// Why a request is refused: because it was not said who sent it. Sessions themselves refuse nothing; an application without
/// its session shows its own login.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum SessionsRefusal {
    /// A layer is missing: 500, `wiring_no_downstream`.
    #[error(transparent)]
    NoDownstream(#[from] NoDownstream),
}

impl Refusal for SessionsRefusal {
    fn rejection(&self) -> Rejection {
        match self {
            Self::NoDownstream(refusal) => refusal.rejection(),
        }
    }
}

/// The control as a [`tower`](tower_layer) layer: see the [crate's example](crate).
///
/// It belongs directly inside the layer that opens and seals the cookies, next to the application: it needs that layer's
/// [`EdgeSessions`], and that layer obeys its [`SessionOrders`](rempart_guard::SessionOrders).
#[derive(Clone, Debug)]
pub struct SessionsLayer {
    header: AccountHeaderLayer,
    guard: GuardLayer<Arc<Sessions>>,
}

impl SessionsLayer {
    /// A layer that applies `policy` as its settings say (`enforce`, `report`, `off`) and tells `reporter`.
    #[must_use]
    pub fn new(policy: SessionsPolicy, reporter: Reporter) -> Self {
        Self::sharing(&Arc::new(Sessions::new(policy)), reporter)
    }

    /// The same with sessions that others know too, such as whoever ends them from outside.
    #[must_use]
    pub fn sharing(sessions: &Arc<Sessions>, reporter: Reporter) -> Self {
        let policy = sessions.policy();
        Self {
            header: AccountHeaderLayer::new(policy.account_header().clone()),
            guard: GuardLayer::new(Arc::clone(sessions), policy.enforcement(), reporter),
        }
    }
}

impl<S> Layer<S> for SessionsLayer {
    type Service = WithoutAccountHeader<Guarded<Arc<Sessions>, S>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.header.layer(self.guard.layer(inner))
    }
}

/// A session as it is told of: never its value.
pub(crate) fn named(session: &EdgeSession) -> String {
    format!("{} {}", session.cookie, short(session.id))
}

/// Whether an answer says that something was done.
pub(crate) fn is_done(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}
