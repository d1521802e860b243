use std::time::{Duration, Instant};

use rempart_config::Scope;

use super::places::join;

/// Changes that belong together: an editor's save is many events, a deployment's many more.
#[derive(Debug)]
pub(super) struct Burst {
    /// What has to be read again.
    pub(super) scope: Scope,
    first: Instant,
    last: Instant,
}

impl Burst {
    /// One more change, in a burst or as the first of one.
    pub(super) fn with(burst: Option<Self>, scope: Scope, now: Instant) -> Self {
        match burst {
            None => Self {
                scope,
                first: now,
                last: now,
            },
            Some(burst) => Self {
                scope: join(burst.scope, scope),
                last: now,
                ..burst
            },
        }
    }

    /// When it is over: once nothing has come for a while, and not later than a limit after the first.
    pub(super) fn due(&self) -> Instant {
        (self.last + QUIET).min(self.first + LONGEST)
    }
}

const QUIET: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> Scope {
        Scope::Tenants([name.parse().unwrap()].into())
    }

    #[test]
    fn a_burst_is_one_reload_once_it_is_quiet() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let burst = Burst::with(None, tenant("a"), at(0));
        assert_eq!(burst.due(), at(200));
        let burst = Burst::with(Some(burst), tenant("b"), at(150));
        assert_eq!(burst.due(), at(350));
        assert_eq!(burst.scope, join(tenant("a"), tenant("b")));
    }

    #[test]
    fn a_burst_that_does_not_end_is_cut() {
        let begun = Instant::now();
        let mut burst = None;
        for step in 0..100 {
            burst = Some(Burst::with(
                burst,
                tenant("a"),
                begun + step * Duration::from_millis(100),
            ));
        }
        assert_eq!(burst.unwrap().due(), begun + Duration::from_secs(2));
    }
}
