//! The kinds of traffic that are measured.

use std::fmt;

use clap::ValueEnum;

/// One kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// 1 KiB over HTTP/1.1, 32 kept-alive connections.
    #[value(name = "h1-1k")]
    Http1Small,
    /// 16 KiB over HTTP/1.1, 32 kept-alive connections.
    #[value(name = "h1-16k")]
    Http1Medium,
    /// 1 KiB over HTTP/2, 4 connections of 32 streams.
    #[value(name = "h2-1k")]
    Http2Small,
    /// 16 KiB over HTTP/2, 4 connections of 32 streams.
    #[value(name = "h2-16k")]
    Http2Medium,
    /// A full handshake and one GET of 1 KiB over HTTP/1.1, 16 at a time.
    #[value(name = "tls")]
    NewConnection,
    /// 1 MiB over HTTP/1.1, 8 kept-alive connections.
    #[value(name = "1m")]
    Bulk,
}

impl Case {
    pub(crate) const ALL: [Self; 6] = [
        Self::Http1Small,
        Self::Http1Medium,
        Self::Http2Small,
        Self::Http2Medium,
        Self::NewConnection,
        Self::Bulk,
    ];

    /// The path asked for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Http1Small | Self::Http2Small | Self::NewConnection => "/1k",
            Self::Http1Medium | Self::Http2Medium => "/16k",
            Self::Bulk => "/1m",
        }
    }

    /// The bytes of the body that path answers with.
    pub(crate) fn length(self) -> u64 {
        match self {
            Self::Http1Small | Self::Http2Small | Self::NewConnection => 1024,
            Self::Http1Medium | Self::Http2Medium => 16 * 1024,
            Self::Bulk => 1024 * 1024,
        }
    }

    pub(crate) fn is_http_2(self) -> bool {
        matches!(self, Self::Http2Small | Self::Http2Medium)
    }

    /// Requests of one round: about two seconds of the bare proxy's processor time on a core of
    /// 2025, so that the 10 ms steps in which the kernel counts are half a percent.
    pub(crate) fn requests(self, quick: bool) -> u64 {
        let full = match self {
            Self::Http1Small | Self::Http2Small => 150_000,
            Self::Http1Medium | Self::Http2Medium => 100_000,
            Self::NewConnection => 12_000,
            Self::Bulk => 3_600,
        };
        if quick { full / 6 } else { full }
    }

    /// Connections at a time and, over HTTP/2, streams in each.
    pub(crate) fn concurrency(self) -> (u32, u32) {
        match self {
            Self::Http1Small | Self::Http1Medium => (32, 1),
            Self::Http2Small | Self::Http2Medium => (4, 32),
            Self::NewConnection => (16, 1),
            Self::Bulk => (8, 1),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1Small => "1 KiB over HTTP/1.1, 32 connections",
            Self::Http1Medium => "16 KiB over HTTP/1.1, 32 connections",
            Self::Http2Small => "1 KiB over HTTP/2, 4 connections of 32 streams",
            Self::Http2Medium => "16 KiB over HTTP/2, 4 connections of 32 streams",
            Self::NewConnection => "new TLS connection (full handshake) and one GET of 1 KiB",
            Self::Bulk => "1 MiB over HTTP/1.1, 8 connections",
        })
    }
}
