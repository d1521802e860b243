//! The processor time a process and its children have used.

use std::time::Duration;
use std::{fs, io};

/// What a process, all its descendants and the children it has waited for have used so far.
///
/// The kernel counts for processes in steps of 10 ms (`utime` and `stime` of `/proc/PID/stat`, see
/// proc(5)) and for living threads in nanoseconds (`schedstat`). Each alone is too low, one by its
/// rounding and the other by the threads that ended; so the greater of the two is closer.
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn used_by_tree(root: u32) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for process in tree(root)? {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let ticks = Stat::parse(&stat).ok_or_else(|| io::Error::other("unreadable stat"))?;
        total += ticks.waited_for + ticks.own.max(threads(process));
    }
    Ok(total)
}

/// A process and all its descendants, parents first.
///
/// # Errors
///
/// When `/proc` cannot be read.
pub(crate) fn tree(root: u32) -> io::Result<Vec<u32>> {
    let mut family = vec![root];
    let parents = parents()?;
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(_, its)| *its == parent).map(|(child, _)| child));
        next += 1;
    }
    Ok(family)
}

/// Every process with its parent.
fn parents() -> io::Result<Vec<(u32, u32)>> {
    let parent_of = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Some((process, Stat::parse(&stat)?.parent))
    };
    Ok(fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(parent_of)
        .collect())
}

fn threads(process: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Duration::ZERO;
    };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: Duration,
    waited_for: Duration,
}

impl Stat {
    /// The name in the second field may hold spaces and brackets; what follows the last bracket
    /// does not. Fields are numbered as in proc(5), where the state behind the name is the third.
    fn parse(stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = |field| Some(TICK * u32::try_from(number(field)?).ok()?);
        Some(Self {
            parent: u32::try_from(number(4)?).ok()?,
            own: ticks(14)? + ticks(15)?,
            waited_for: ticks(16)? + ticks(17)?,
        })
    }
}

/// Linux shows user space a hundredth of a second (`USER_HZ`) on all our architectures.
const TICK: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 3 7 7 0 -1 0 0 0 0 0 200 50 4 1 20 0 1 0";
        let expected = Stat {
            parent: 3,
            own: Duration::from_millis(2500),
            waited_for: Duration::from_millis(50),
        };
        assert_eq!(Stat::parse(stat), Some(expected));
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(used_by_tree(u32::MAX).is_err());
    }

    #[test]
    fn our_own_tree_starts_with_us() {
        let family = tree(std::process::id()).unwrap();
        assert_eq!(family.first(), Some(&std::process::id()));
    }
}
