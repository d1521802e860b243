//! What limits cost, beside bare governor with its `DashMap` store: `cargo xtask bench limits`.
//!
//! All cases of a block take turns in short rounds, so that a slow moment of the machine hits each of them; medians and the
//! spread of the middle half are printed, in nanoseconds. Every check reads the clock and hashes the client's address; ours
//! to 128 bits, as a key that other nodes could share. Nothing here fails by timing. With the argument
//! `decision` only what a request is asked by five quotas is measured.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod counts;
mod decision;
mod flood;
mod rounds;

fn main() {
    if std::env::args().any(|argument| argument == "decision") {
        return decision::five_quotas();
    }
    counts::hashing();
    for clients in [1_000, 100_000, 1_000_000] {
        counts::checks(clients);
    }
    decision::five_quotas();
    counts::two_threads();
    flood::flood();
}
