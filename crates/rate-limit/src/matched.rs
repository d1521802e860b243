/// A set of quotas, by their index in the policy; as an iterator, from the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched(u16);

impl Matched {
    pub(crate) fn of(indices: impl IntoIterator<Item = usize>) -> Self {
        Self(indices.into_iter().fold(0, |set, index| set | 1 << index))
    }

    /// The set as a number whose low bits depend on all of it.
    pub(crate) const fn spread(self) -> u32 {
        (self.0 as u32).wrapping_mul(0x9E37_79B1) >> 16
    }
}

impl Iterator for Matched {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lowest = self.0.trailing_zeros() as usize;
        self.0 &= self.0.checked_sub(1)?;
        Some(lowest)
    }
}
