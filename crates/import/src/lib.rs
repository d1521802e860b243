//! Stops a move to the edge from losing a rule on the way: drafts tenants' files from what nginx, Traefik or Caddy serve
//! today, and says of every line what became of it.
//!
//! - [`TenantDraft`] is a tenant's file before it is one: [`TenantDraft::to_toml`] writes it with a comment on each line.
//! - [`nginx::import`], [`traefik::import`] and [`caddy::import`] read a list of virtual hosts and give an [`Import`]: the
//!   drafts, and an [`Entry`] for every directive of the input.
//!
//! ```
//! use rempart_import::{Fate, nginx};
//!
//! let text = "\
//! server {
//!     listen 443 ssl;
//!     server_name www.museum.example;
//!     client_max_body_size 20m;
//!     location / { proxy_pass http://127.0.0.1:9101; }
//! }";
//! let import = nginx::import(text, "museum.conf").unwrap();
//! let draft = &import.drafts[0];
//! assert_eq!(draft.id.as_str(), "museum");
//! assert!(draft.to_toml().contains("url = \"http://127.0.0.1:9101\""));
//!
//! let left: Vec<_> = import.left().collect();
//! assert_eq!(left.len(), 1);
//! assert_eq!((left[0].place.line, left[0].text.as_str()), (4, "client_max_body_size 20m"));
//! assert!(matches!(left[0].fate, Fate::Left { .. }));
//! ```
//!
//! # What becomes of a directive
//!
//! It is **carried** into a draft, or **understood** as something that the edge does anyway (redirects to HTTPS,
//! `X-Forwarded-For`, modern TLS), or **left**, with the reason and, where there is one, what to write instead. A directive
//! that this crate has never heard of is left. There is no fourth way: each is entered in an account when it is read, and
//! what nobody has answered for when the account is closed is left.
//!
//! # What it cannot stop
//!
//! A draft is a draft. Whoever imports reads the list of what was left before switching over, above all its access rules:
//! the draft names each of those at its top. Nothing here opens a file or looks whether a certificate is there;
//! `rempart check` does.
//!
//! # Bounds
//!
//! A text of at most 16 MiB, nested at most 64 deep, with at most 500,000 directives or values.

mod account;
mod address;
mod certificates;
mod draft;
mod entry;
mod gather;
mod headers;
mod ids;
mod site;
mod times;
mod tree;
mod write;

pub mod caddy;
pub mod nginx;
pub mod traefik;

pub use draft::{Certificate, Hsts, Quota, TenantDraft};
pub use entry::{Entry, Fate, Import, ImportError, Place};
