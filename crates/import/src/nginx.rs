//! Stops a rule of an nginx server from being lost on the way: reads a list of virtual hosts, drafts a tenant for each site,
//! and answers for every directive.
//!
//! The text is one file with `server` blocks (what stands in `sites-enabled`), a whole `nginx.conf`, or best of all what
//! `nginx -T` prints: that has every file in it, so that includes are followed and each line is named with its own file. A
//! plain file's includes are not followed, because this crate opens no files; each is left, and says so.
//!
//! # What is carried
//!
//! | nginx | tenant's file |
//! |---|---|
//! | `server_name museum.example *.museum.example` | `hosts` (nginx's wildcard covers any depth, the edge's one label) |
//! | `proxy_pass`, with `upstream` blocks and constant `set` variables | `upstream.url` |
//! | `proxy_connect_timeout`, `proxy_read_timeout` | `upstream.connect_timeout`, `upstream.response_timeout` |
//! | `ssl_certificate`, `ssl_certificate_key` | `tls` |
//! | `limit_req_zone` with `limit_req` | `rate_limit.quotas`, with the routes of the `location` it stands in |
//! | `add_header` of HSTS, framing, referrer policy | `headers` |
//! | `proxy_hide_header` | `headers.remove` |
//! | `proxy_cookie_flags ~ samesite=strict` | `cookies.same_site` |
//!
//! A `limit_req` with `burst=20` lets 21 come at once, the first and 20 more; that is `burst 21` here. nginx holds requests
//! within the burst back unless told `nodelay`; the edge lets them pass at once, or refuses.
//!
//! # Why a parser of our own
//!
//! `nginx-config` 0.13 knows a fixed list of directives and refuses a file with any other. `nginx-discovery` 0.4 and
//! `nginx-lint-parser` 0.24 take any directive and know its line, but both descend into blocks by recursion without a bound:
//! a hundred thousand braces overflow the stack and end the process. nginx's grammar is words, quotes, `;`, braces and `#`,
//! and the words' rules (where a quote counts, what a backslash does) are nginx's own and are followed here.

mod directive;
mod dump;
mod known;
mod lexer;
mod limits;
mod location;
mod proxy;
mod server;

use std::collections::HashMap;

use directive::Directive;
use limits::Zone;

use crate::account::Account;
use crate::entry::{Import, ImportError};
use crate::gather::gather;
use crate::site::{Scope, Settings, Site};

/// Drafts a tenant for each site of an nginx configuration. `file` is how messages name it.
///
/// # Errors
///
/// A text that is no nginx configuration, with the place where that shows.
pub fn import(text: &str, file: &str) -> Result<Import, ImportError> {
    ImportError::bound_text(text, file)?;
    let mut tree = dump::read(text, file)?;
    let mut nginx = Nginx::default();
    for directive in &mut tree {
        directive.enter(&mut nginx.account);
    }
    nginx.find(&tree);
    let mut base = Site::new(0, Settings::default());
    let blocks = nginx.http(&tree, &mut base);
    let sites = blocks
        .into_iter()
        .filter_map(|block| nginx.server(block, &base))
        .collect();
    Ok(nginx.finish(sites, &base.settings))
}

/// What is known while the blocks are read.
#[derive(Default)]
struct Nginx<'a> {
    account: Account,
    /// The `upstream` blocks by name.
    pools: HashMap<&'a str, &'a Directive>,
    /// The `limit_req_zone` lines by the zone's name.
    zones: HashMap<String, Zone>,
}

impl<'a> Nginx<'a> {
    /// Finds what may be named before it is there.
    fn find(&mut self, tree: &'a [Directive]) {
        for directive in tree {
            match directive.name.as_str() {
                "http" => self.find(directive.inside()),
                "upstream" if directive.block.is_some() => {
                    let first = *self.pools.entry(directive.word(0)).or_insert(directive);
                    if first.item != directive.item {
                        self.cover(directive);
                        let why = format!(
                            "an upstream of this name is at {} already",
                            self.account.place(first.item)
                        );
                        self.account.left(directive.item, why);
                    }
                }
                "limit_req_zone" => self.find_zone(directive),
                _ => {}
            }
        }
    }

    /// Reads what holds for all servers, and gives the `server` blocks.
    fn http(&mut self, tree: &'a [Directive], base: &mut Site) -> Vec<&'a Directive> {
        let mut servers = Vec::new();
        for directive in tree {
            match directive.name.as_str() {
                "http" if directive.block.is_some() => {
                    self.account
                        .understood(directive.item, "what is in it is read line by line");
                    servers.extend(self.http(directive.inside(), base));
                }
                "server" if directive.block.is_some() => servers.push(directive),
                "upstream" if directive.block.is_some() => {}
                "limit_req_zone" => {}
                "limit_req" => self.limit(directive, &Scope::all(0), &mut base.settings),
                name if location::is_setting(name) => self.setting(directive, 0, &mut base.settings),
                _ => self.known(directive, Some((base, &Scope::all(0)))),
            }
        }
        servers
    }

    /// What is said for all servers counts where no server says otherwise.
    fn finish(mut self, sites: Vec<Site>, base: &Settings) -> Import {
        let some = !sites.is_empty();
        let drafts = gather(sites, "nginx", &mut self.account);
        if some {
            for item in base.items() {
                self.account.understood(item, "each site says otherwise");
            }
        }
        self.close_pools();
        self.close_zones();
        Import {
            drafts,
            entries: self.account.close("this import does not know the directive"),
        }
    }

    /// Answers for a block and all that is in it at once.
    fn cover(&mut self, block: &Directive) {
        let mut items = Vec::new();
        block.below(&mut items);
        for item in items {
            self.account.cover(item);
        }
    }
}
