//! Headers that say which software, in which version, has answered.

use http::{HeaderMap, HeaderName, header};

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
#[derive(Clone, Debug)]
pub(crate) struct Banners {
    names: Vec<HeaderName>,
    /// Bit `n` is set when a name of `n` bytes is in the list: most headers are cleared of suspicion by their length.
    lengths: u64,
}

impl Banners {
    pub(crate) fn new(names: Vec<HeaderName>) -> Self {
        let lengths = names.iter().fold(0, |lengths, name| lengths | length_bit(name));
        Self { names, lengths }
    }

    /// Walks through what is there instead of removing each name in turn: an answer has fewer headers than the list.
    pub(crate) fn amend(&self, headers: &mut HeaderMap, notes: &mut Notes<'_>) {
        while let Some(name) = headers.keys().find_map(|name| self.find(name)) {
            let value = headers.remove(name);
            notes.once(Repair::BannerRemoved, || {
                format!("{name}: {}", Notes::shown(value.as_ref()))
            });
        }
    }

    fn find(&self, name: &HeaderName) -> Option<&HeaderName> {
        if self.lengths & length_bit(name) == 0 {
            return None;
        }
        self.names.iter().find(|banner| *banner == name)
    }
}

fn length_bit(name: &HeaderName) -> u64 {
    1 << name.as_str().len().min(63)
}
