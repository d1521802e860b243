//! Cases that take turns, and what is printed of them.

use std::time::Instant;

/// What is measured, and its name.
pub(crate) type Case = (String, Box<dyn FnMut()>);

/// Takes turns in short rounds, and prints each beside the first.
pub(crate) fn compare(title: &str, cases: &mut [Case]) {
    const OPERATIONS: u32 = 1_000;
    println!("\n{title}");
    let mut rounds = vec![Vec::new(); cases.len()];
    for _ in 0..1_001 {
        for ((_, run), rounds) in cases.iter_mut().zip(&mut rounds) {
            let begun = Instant::now();
            (0..OPERATIONS).for_each(|_| run());
            rounds.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(OPERATIONS));
        }
    }
    let mut base = None;
    for ((name, _), rounds) in cases.iter().zip(rounds) {
        let median = print(name, rounds, base);
        base.get_or_insert(median);
    }
}

pub(crate) fn print(name: &str, mut rounds: Vec<f64>, base: Option<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let at = |part: usize| rounds[rounds.len() * part / 4];
    let beside = base.map_or_else(String::new, |base| format!("  {:.2}×", at(2) / base));
    println!("  {name:<40} {:>6.0} ns  ({:.0} to {:.0}){beside}", at(2), at(1), at(3));
    at(2)
}

/// An address as it comes from anywhere.
pub(crate) fn address(client: u64) -> u128 {
    (0x2001_0db8 << 96) | u128::from(Random(client).next()) << 32
}

/// SplitMix64: reproducible, and cheap beside what is measured.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn client(&mut self, of: u64) -> u128 {
        address(((u128::from(self.next()) * u128::from(of)) >> 64) as u64)
    }
}

/// The memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4_096
}
