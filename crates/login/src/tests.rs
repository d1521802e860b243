//! Each rule refuses, and lets pass.

mod answers;
mod bodies;
mod limits;
mod shared;
mod site;
mod strangers;
