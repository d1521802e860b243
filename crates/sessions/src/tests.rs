//! Each rule ends a session that it should, and lets one go on that it should not end. Time is a number that the tests move.

mod accounts;
mod crowded;
mod guarding;
mod kills;
mod limits;
mod logins;
mod memory;
mod revocations;
mod settings;
mod site;
