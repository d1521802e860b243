//! What a process and its children hold in memory.

use std::{fs, io};

use crate::bench::cpu;

/// KiB of memory that a process tree holds, each page that several share counted once (`Pss` of `smaps_rollup`, proc(5)).
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn held_by_tree(root: u32) -> io::Result<u64> {
    let mut total = 0;
    for process in cpu::tree(root)? {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        total += field(&rollup, "Pss:").ok_or_else(|| io::Error::other("unreadable smaps_rollup"))?;
    }
    Ok(total)
}

fn field(rollup: &str, name: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_part_is_not_taken_for_the_whole() {
        let rollup = "55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nPss:   512 kB\nPss_Anon: 300 kB\n";
        assert_eq!(field(rollup, "Pss:"), Some(512));
        assert_eq!(field("Rss: 1 kB\n", "Pss:"), None);
    }

    #[test]
    fn we_hold_something_ourselves() {
        assert!(held_by_tree(std::process::id()).unwrap() > 0);
    }
}
