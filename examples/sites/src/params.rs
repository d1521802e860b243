//! Query parameters the way legacy pages read them: a number that is not a number ends in a stack trace.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::failure::{Failure, Vendor};

/// The query string, decoded; of a repeated name, the last one counts.
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// The value of `name`, empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The value of `name` as a number, `missing` when it is not there.
    pub(crate) fn number(&self, vendor: Vendor, name: &str, missing: u32) -> Result<u32, Failure> {
        match self.0.get(name) {
            None => Ok(missing),
            Some(value) => number(vendor, value),
        }
    }
}

/// A number from a path or a query, or the vendor's stack trace.
pub(crate) fn number(vendor: Vendor, value: &str) -> Result<u32, Failure> {
    value
        .parse()
        .map_err(|_| Failure::Trace(vendor, value.chars().take(80).collect()))
}

/// One page of a long list: which items, and how many pages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) page: u32,
    pub(crate) pages: u32,
    pub(crate) skip: u32,
    pub(crate) size: u32,
}

impl Slice {
    pub(crate) fn new(page: u32, size: u32, total: u32) -> Self {
        let size = size.clamp(1, 200);
        let pages = total.div_ceil(size).max(1);
        let page = page.clamp(1, pages);
        Self {
            page,
            pages,
            skip: (page - 1) * size,
            size,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(
            Query::try_from_uri(&parts.uri)
                .map(|Query(map)| map)
                .unwrap_or_default(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_beyond_the_end_is_the_last_page() {
        assert_eq!(
            Slice::new(99, 20, 41),
            Slice {
                page: 3,
                pages: 3,
                skip: 40,
                size: 20
            }
        );
        assert_eq!(
            Slice::new(0, 20, 0),
            Slice {
                page: 1,
                pages: 1,
                skip: 0,
                size: 20
            }
        );
    }

    #[test]
    fn a_page_is_never_larger_than_200() {
        assert_eq!(Slice::new(1, u32::MAX, 86_000).size, 200);
    }
}
