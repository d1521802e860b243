//! Headers that say which software, in which version, has answered.

use http::{HeaderMap, HeaderName, header};
use rempart_guard::Change;

use crate::guard::{Notes, Repair};

/// The headers that are removed by default: who made the software, its version, or which machine behind the edge has
/// answered. None of them means anything to a browser.
pub static BANNERS: [HeaderName; 20] = [
    header::SERVER,
    header::VIA,
    HeaderName::from_static("liferay-portal"),
    HeaderName::from_static("microsoftsharepointteamservices"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-aspnetmvc-version"),
    HeaderName::from_static("x-backend-server"),
    HeaderName::from_static("x-generator"),
    HeaderName::from_static("x-mod-pagespeed"),
    HeaderName::from_static("x-owa-version"),
    HeaderName::from_static("x-php-version"),
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-powered-by-plesk"),
    HeaderName::from_static("x-powered-cms"),
    HeaderName::from_static("x-runtime"),
    HeaderName::from_static("x-server"),
    HeaderName::from_static("x-served-by"),
    HeaderName::from_static("x-sourcefiles"),
    HeaderName::from_static("x-varnish"),
    HeaderName::from_static("x-version"),
];

/// The banners of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Banners {
    names: Vec<HeaderName>,
    /// The traits of the names: nearly every other header is cleared of suspicion by a look at its length and two letters.
    suspects: [u64; 4],
}

impl Banners {
    pub(crate) fn new(names: Vec<HeaderName>) -> Self {
        let mut suspects = [0; 4];
        for name in &names {
            let (word, bit) = traits(name);
            suspects[word] |= bit;
        }
        Self { names, suspects }
    }

    /// Walks through what is there instead of removing each name in turn: an answer has fewer headers than the list. One walk
    /// is enough unless an application has more than four banners.
    pub(crate) fn amend(&self, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        loop {
            let mut found = [None; 4];
            let banners = headers.keys().filter_map(|name| self.find(name));
            found
                .iter_mut()
                .zip(banners)
                .for_each(|(place, banner)| *place = Some(banner));
            for name in found.into_iter().flatten() {
                let value = headers.remove(name);
                notes.once(Repair::BannerRemoved, || {
                    format!("{name}: {}", Notes::shown(value.as_ref()))
                });
            }
            if found[3].is_none() {
                return;
            }
        }
    }

    /// Which headers will be removed, or no longer.
    pub(crate) fn changes_to(&self, new: &Self) -> Vec<Change> {
        let Self { names, suspects: _ } = self;
        let removed = beyond(&new.names, names).map(|name| Change::tightens(format!("`{name}` is removed")));
        let left = beyond(names, &new.names).map(|name| {
            Change::loosens(format!(
                "`{name}` is no longer removed: answers carry what the application sends"
            ))
        });
        removed.chain(left).collect()
    }

    fn find(&self, name: &HeaderName) -> Option<&HeaderName> {
        let (word, bit) = traits(name);
        if self.suspects[word] & bit == 0 {
            return None;
        }
        self.names.iter().find(|banner| *banner == name)
    }
}

/// The names that are not among the others, each once.
fn beyond<'a>(names: &'a [HeaderName], others: &[HeaderName]) -> impl Iterator<Item = &'a HeaderName> {
    let is_new = |(index, name): &(usize, &HeaderName)| !others.contains(name) && !names[..*index].contains(name);
    names.iter().enumerate().filter(is_new).map(|(_, name)| name)
}

/// One of 256 traits, as a word and a bit of it: made of the length, the last letter and the third. The first tells little,
/// as half of all names begin with an `x`.
fn traits(name: &HeaderName) -> (usize, u64) {
    let bytes = name.as_str().as_bytes();
    let letter = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
    let mix =
        bytes.len().wrapping_mul(37) ^ letter(2).wrapping_mul(5) ^ letter(bytes.len().wrapping_sub(1)).wrapping_mul(11);
    (mix >> 6 & 3, 1 << (mix & 63))
}
