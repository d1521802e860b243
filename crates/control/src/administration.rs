use std::fmt;
use std::sync::Arc;

use rempart_config::{Diagnostics, Scope};
use rempart_proxy::{Control, Reloaded};
use tokio_util::sync::CancellationToken;

/// What the administration socket may ask of an edge. Cheap to clone.
#[derive(Clone)]
pub struct Administration {
    control: Control,
    drain: CancellationToken,
    reload: Arc<Reload>,
}

/// How a reload is done, and told to the log.
type Reload = dyn Fn(&Control, &Scope) -> Result<Reloaded, Diagnostics> + Send + Sync;

impl Administration {
    /// Of the edge that `control` changes and `drain` ends.
    #[must_use]
    pub fn new(control: Control, drain: CancellationToken) -> Self {
        Self {
            control,
            drain,
            reload: Arc::new(Control::reload),
        }
    }

    /// The same, with another way to reload, such as one that writes to the log what came of it.
    #[must_use]
    pub fn reloading(
        self,
        reload: impl Fn(&Control, &Scope) -> Result<Reloaded, Diagnostics> + Send + Sync + 'static,
    ) -> Self {
        Self {
            reload: Arc::new(reload),
            ..self
        }
    }

    pub(crate) const fn control(&self) -> &Control {
        &self.control
    }

    pub(crate) fn reload(&self, scope: &Scope) -> Result<Reloaded, Diagnostics> {
        (self.reload)(&self.control, scope)
    }

    /// Whether new connections are still taken.
    pub(crate) fn is_ready(&self) -> bool {
        !self.drain.is_cancelled()
    }
}

impl fmt::Debug for Administration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Administration")
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
