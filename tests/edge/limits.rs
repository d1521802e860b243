//! Limits through the built binary: quotas by whom and by what, the login guard, shares of the edge, the waiting room, and
//! several edges that count together.

mod logins;
mod nodes;
mod quotas;
mod rooms;
mod shares;
