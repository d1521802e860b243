//! How many requests an application is given at once.

mod gate;
mod limit;
mod upstream;

pub(crate) use gate::Gate;
pub use limit::{AdaptiveLimit, AdaptivePolicy, Sample};
pub use upstream::UpstreamPermit;
