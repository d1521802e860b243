//! What one round of one server gave.

use std::time::Duration;

use super::clients::Request;

/// One round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// From the start of the process to the last tenant's first answer; the processor time of it.
    pub(crate) start: Cost,
    /// The same with what the last run left behind.
    pub(crate) start_again: Option<Cost>,
    /// From the start until the last good file of every tenant is kept.
    pub(crate) kept: Option<Duration>,
    /// KiB for each tenant before anybody has asked it.
    pub(crate) idle: f64,
    /// The same when each was asked once.
    pub(crate) asked: f64,
    /// From the signal to the first answer that shows one tenant's change.
    pub(crate) one: Cost,
    /// The same by naming the tenant, from the start of the command.
    pub(crate) one_named: Option<Cost>,
    /// As `one`, when every tenant's file has changed.
    pub(crate) all: Cost,
    /// When everything that follows a change to all is done too.
    pub(crate) all_done: Option<Duration>,
    /// Requests of the load.
    pub(crate) requests: usize,
    /// Those that failed.
    pub(crate) failed: Vec<String>,
    /// The 99th percentile on kept connections before anything changes, and while everything does.
    pub(crate) quiet: Duration,
    pub(crate) busy: Duration,
}

/// Time by the clock, and the processor time of the process and its children.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// The 99th percentile of requests on kept connections that were under way between two moments.
pub(crate) fn p99(requests: &[Request], from: u64, to: u64) -> Duration {
    let during = |request: &&Request| request.kept && request.began <= to && request.began + request.took >= from;
    let mut times: Vec<u64> = requests.iter().filter(during).map(|request| request.took).collect();
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times
        .get(at)
        .map_or(Duration::ZERO, |took| Duration::from_micros(*took))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_slower_and_others_times_do_not_count() {
        let request = |began, took| Request {
            began,
            took,
            kept: true,
            failed: None,
        };
        let mut requests: Vec<Request> = (1..=100).map(|took| request(1_000, took)).collect();
        requests.push(request(10, 5_000_000));
        requests.push(Request {
            kept: false,
            ..request(1_000, 9_000)
        });
        // The very long one is under way too.
        assert_eq!(p99(&requests, 1_000, 2_000), Duration::from_micros(100));
        assert_eq!(p99(&requests, 6_000_000, 7_000_000), Duration::ZERO);
    }
}
