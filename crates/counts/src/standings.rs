use std::ops::Deref;

use smallvec::SmallVec;

use crate::Standing;

/// How the buckets of one request stand, in the order of the asks: a slice that needs no memory of its own for up to sixteen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings(SmallVec<[Standing; 16]>);

impl Deref for Standings {
    type Target = [Standing];

    fn deref(&self) -> &[Standing] {
        &self.0
    }
}

impl From<Standing> for Standings {
    fn from(standing: Standing) -> Self {
        let mut standings = SmallVec::new();
        standings.push(standing);
        Self(standings)
    }
}

impl FromIterator<Standing> for Standings {
    fn from_iter<I: IntoIterator<Item = Standing>>(standings: I) -> Self {
        Self(standings.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Standings {
    type Item = &'a Standing;
    type IntoIter = std::slice::Iter<'a, Standing>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
