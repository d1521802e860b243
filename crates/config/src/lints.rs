//! What is right, file by file, and somebody should look at all the same: mostly what one tenant's file cannot show,
//! because it is between two.
//!
//! | code | |
//! |---|---|
//! | `cookie_reaches_neighbour` | a host below a tenant's own is another's: a cookie with the upper one as its `Domain` reaches it |
//! | `cookie_domain_unguarded` | a neighbour under the same parent, and cookies that nobody confines |
//! | `host_within_wildcard` | a host that another tenant's wildcard would have taken |
//! | `upstream_shared` | one application for two tenants |
//! | `dangerous_switch` | a key that loosens, and is set |
//! | `report_overdue` | a control that was to be enforced by now |
//! | `sessions_without_seal` | sessions with limits, and cookies that nobody seals |
//! | `classes_without_routes` | a quota or a cost by the class of routes, and no route that has one |
//! | `store_in_the_clear` | a store that edges share, over a network without TLS |
//! | `routes_…`, `route_without_class` | a tenant with personal data, and routes that nobody has named: see `rempart-records` |

use std::collections::HashMap;

use figment::value::Value;
use http::uri::Authority;
use rempart_guard::{Day, Enforcement, Problem};
use rempart_redis::RedisPolicy;
use rempart_tenant::{Host, HostPattern};

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::Part;
use crate::layers::Layers;
use crate::neighbours::Below;
use crate::tenant::TenantConfig;
use crate::tenant_file::TenantFile;

impl Config {
    /// Warnings about the tenants whose files are right. `today` is compared with the dates of controls in `report`.
    #[must_use]
    pub fn lints(&self, today: Day) -> Diagnostics {
        let mut found = Vec::new();
        for tenant in &self.tenants {
            let Some(layers) = self.file(tenant).layers() else {
                continue;
            };
            let mut warn = |problem| found.push(warning(tenant, &layers, problem));
            dangerous(&layers, &mut warn);
            overdue(&layers, today, &mut warn);
            unmapped(tenant, &mut warn);
            unsealed(tenant, &mut warn);
            unclassed(tenant, &mut warn);
        }
        found.extend(self.store_in_the_clear());
        self.between_neighbours(&mut found);
        self.shared_upstreams(&mut found);
        found.into_iter().map(Diagnostic::warning).collect()
    }

    fn file(&self, tenant: &TenantConfig) -> &TenantFile {
        self.file_of(&tenant.id)
            .expect("a tenant of this configuration has a file in it")
    }

    /// What edges share goes over a network that others may hear.
    fn store_in_the_clear(&self) -> Option<Diagnostic> {
        let is_clear = self.vendor.redis.as_ref().is_some_and(RedisPolicy::is_in_the_clear);
        let message = "the store is spoken to without TLS: whoever hears it can read and change what all edges count";
        let problem = Problem::new(["state", "redis"], "store_in_the_clear", message);
        is_clear.then(|| {
            self.diagnose_vendor(problem.help("write `rediss://`, or reach it by a Unix socket or the loopback"))
        })
    }

    /// What hosts of different tenants have to do with each other.
    fn between_neighbours(&self, found: &mut Vec<Diagnostic>) {
        let below = Below::of(self.tenants.iter().map(|tenant| tenant.hosts.as_slice()));
        let owners = self.owners();
        for (index, tenant) in self.tenants.iter().enumerate() {
            for (at, host) in tenant.hosts.iter().enumerate() {
                match host {
                    HostPattern::Exact(name) => {
                        self.cookie_reach(&below, (index, at), name, found);
                        self.wildcard(&owners, (index, at), name, found);
                    }
                    HostPattern::OneBelow(_) => {}
                }
            }
            self.unguarded(&below, index, found);
        }
    }

    /// Each host and whose it is.
    fn owners(&self) -> HashMap<&HostPattern, usize> {
        let tenants = self.tenants.iter().enumerate();
        tenants
            .flat_map(|(index, tenant)| tenant.hosts.iter().map(move |host| (host, index)))
            .collect()
    }

    fn cookie_reach(&self, below: &Below<'_>, (index, at): (usize, usize), name: &Host, found: &mut Vec<Diagnostic>) {
        if !below.another(name.as_str(), index) {
            return;
        }
        let reached = |other: &&HostPattern| match other {
            HostPattern::Exact(host) => is_below(host.as_str(), name.as_str()),
            HostPattern::OneBelow(parent) => parent == name || is_below(parent.as_str(), name.as_str()),
        };
        let message = format!("another tenant has a host below {name}: a cookie with `Domain={name}` would reach it");
        let problem = Problem::new(
            ["hosts".to_owned(), at.to_string()],
            "cookie_reaches_neighbour",
            message,
        )
        .help("the edge takes such a `Domain` away while [cookies] is enforced; a script can still set one");
        let tenant = &self.tenants[index];
        let mut diagnostic = self.file(tenant).diagnose(problem);
        let others = self.tenants.iter().filter(|other| other.id != tenant.id);
        for other in others {
            if let Some(host) = other.hosts.iter().find(reached) {
                let place = self.file(other).place_of(host);
                diagnostic = diagnostic.related(place, format!("{} has {host}", other.id));
            }
        }
        found.push(diagnostic);
    }

    /// Siblings are reached by a cookie of their common parent, unless cookies are confined.
    fn unguarded(&self, below: &Below<'_>, index: usize, found: &mut Vec<Diagnostic>) {
        let tenant = &self.tenants[index];
        if tenant.cookies.enforcement == Enforcement::Enforce {
            return;
        }
        let parents = tenant.hosts.iter().filter_map(|host| match host {
            HostPattern::Exact(host) => host.as_str().split_once('.').map(|(_, parent)| parent),
            HostPattern::OneBelow(parent) => Some(parent.as_str()),
        });
        // A parent without a dot is a top-level domain, for which no browser takes a cookie.
        let mut shared = parents.filter(|parent| parent.contains('.') && below.another(parent, index));
        if let Some(parent) = shared.next() {
            let message = format!("another tenant has a host under {parent} too, and nothing keeps cookies from it");
            let problem = Problem::new(["cookies", "enforcement"], "cookie_domain_unguarded", message)
                .help("set `enforcement = \"enforce\"` under [cookies], or give each client a domain of its own");
            found.push(self.file(tenant).diagnose(problem));
        }
    }

    fn wildcard(
        &self,
        owners: &HashMap<&HostPattern, usize>,
        (index, at): (usize, usize),
        name: &Host,
        found: &mut Vec<Diagnostic>,
    ) {
        let parent = name
            .as_str()
            .split_once('.')
            .and_then(|(_, parent)| parent.parse().ok());
        let Some(pattern) = parent.map(HostPattern::OneBelow) else {
            return;
        };
        let Some(owner) = owners.get(&pattern).filter(|owner| **owner != index) else {
            return;
        };
        let owner = &self.tenants[*owner];
        let message = format!(
            "{name} lies within {pattern}, which is {}'s: it goes to this tenant",
            owner.id
        );
        let problem = Problem::new(["hosts".to_owned(), at.to_string()], "host_within_wildcard", message)
            .help("an exact name goes before a wildcard; make sure that both clients know");
        let place = self.file(owner).place_of(&pattern);
        let diagnostic = self.file(&self.tenants[index]).diagnose(problem);
        found.push(diagnostic.related(place, format!("{} has {pattern}", owner.id)));
    }

    /// An application that answers for two tenants cannot tell them apart, or can and is one flaw away from not doing so.
    fn shared_upstreams(&self, found: &mut Vec<Diagnostic>) {
        let mut by_address: HashMap<&Authority, Vec<&TenantConfig>> = HashMap::new();
        for tenant in &self.tenants {
            by_address.entry(&tenant.upstream.authority).or_default().push(tenant);
        }
        for (address, tenants) in by_address.into_iter().filter(|(_, tenants)| tenants.len() > 1) {
            for tenant in &tenants {
                let others: Vec<&str> = tenants
                    .iter()
                    .filter(|other| other.id != tenant.id)
                    .map(|other| other.id.as_str())
                    .collect();
                let message = format!("{address} is the application of {} too", list(&others));
                let problem = Problem::new(["upstream", "url"], "upstream_shared", message)
                    .help("the edge keeps tenants apart up to here; give each an application, or a port, of its own");
                found.push(self.file(tenant).diagnose(problem));
            }
        }
    }
}

fn warning(tenant: &TenantConfig, layers: &Layers, problem: Problem) -> Diagnostic {
    let mut diagnostic = layers.diagnostic(problem, Part::Value);
    diagnostic.tenant = Some(tenant.id.to_string());
    diagnostic
}

/// Every key that says by its name that it loosens, wherever it is, when it is set to something.
fn dangerous(layers: &Layers, warn: &mut impl FnMut(Problem)) {
    walk(&layers.written(), &mut Vec::new(), &mut |key, value| {
        let name = key.last().map_or("", String::as_str);
        let is_set = match value {
            Value::Bool(_, yes) => *yes,
            Value::Array(_, items) => !items.is_empty(),
            Value::Dict(_, values) => !values.is_empty(),
            _ => true,
        };
        if name.starts_with("dangerous_") && is_set {
            let message = "this loosens what protects the tenant";
            let problem = Problem::new(key.to_vec(), "dangerous_switch", message);
            warn(problem.help("for an application that cannot do without, until it is mended; write down why"));
        }
    });
}

/// Every section that is in `report` and has a date that is over.
fn overdue(layers: &Layers, today: Day, warn: &mut impl FnMut(Problem)) {
    walk(&layers.written(), &mut Vec::new(), &mut |key, value| {
        let Value::Dict(_, section) = value else { return };
        let text = |name: &str| section.get(name).and_then(Value::as_str);
        let until = text("report_until").and_then(|day| day.parse::<Day>().ok());
        if text("enforcement") == Some("report")
            && let Some(day) = until.filter(|day| Enforcement::Report.is_overdue(Some(*day), today))
        {
            let key = key.iter().cloned().chain(["report_until".to_owned()]);
            let message = format!("this was to be reported until {day}, and still nothing is refused");
            let problem = Problem::new(key, "report_overdue", message);
            warn(problem.help("set `enforcement = \"enforce\"`, or a new date"));
        }
    });
}

/// Routes of a tenant with personal data that nobody has named.
fn unmapped(tenant: &TenantConfig, warn: &mut impl FnMut(Problem)) {
    for gap in tenant.routes.gaps() {
        warn(gap.under("routes"));
    }
    for (key, route) in tenant.sessions.routes() {
        let key = ["sessions".to_owned()].into_iter().chain(key);
        tenant.routes.gap_of_route(key, route).into_iter().for_each(&mut *warn);
    }
    let (logins, waits) = (tenant.login.routes(), tenant.waiting_room.routes().iter().enumerate());
    let logins = logins.map(|([list, index], route)| (["login".to_owned(), list, index], route));
    let waits = waits.map(|(index, route)| {
        (
            ["waiting_room".to_owned(), "routes".to_owned(), index.to_string()],
            route,
        )
    });
    for (key, route) in logins.chain(waits) {
        tenant.routes.gap_of_route(key, route).into_iter().for_each(&mut *warn);
    }
    for cost in tenant.rate_limit.costs() {
        for (index, route) in cost.routes().iter().enumerate() {
            let key = ["rate_limit", "costs", cost.name(), "routes"].map(str::to_owned);
            let key = key.into_iter().chain([index.to_string()]);
            tenant.routes.gap_of_route(key, route).into_iter().for_each(&mut *warn);
        }
    }
    for quota in tenant.rate_limit.quotas() {
        for (index, route) in quota.routes().iter().enumerate() {
            let key = ["rate_limit", "quotas", quota.name(), "routes"].map(str::to_owned);
            let key = key.into_iter().chain([index.to_string()]);
            tenant.routes.gap_of_route(key, route).into_iter().for_each(&mut *warn);
        }
    }
}

/// Sessions are known by their seals, and there are none while cookies are not enforced.
fn unsealed(tenant: &TenantConfig, warn: &mut impl FnMut(Problem)) {
    if tenant.sessions.enforcement().is_on() && tenant.cookies.enforcement != Enforcement::Enforce {
        let message = "sessions are known by the seals of their cookies, and nothing is sealed: no session is watched";
        let problem = Problem::new(["cookies", "enforcement"], "sessions_without_seal", message);
        warn(problem.help("set `enforcement = \"enforce\"` under [cookies]"));
    }
}

/// What counts by the class of routes counts nothing where no route has a class.
fn unclassed(tenant: &TenantConfig, warn: &mut impl FnMut(Problem)) {
    if tenant.routes.enforcement().is_on() && !tenant.routes.is_empty() {
        return;
    }
    let quotas = tenant
        .rate_limit
        .quotas()
        .iter()
        .filter(|quota| !quota.classes().is_empty());
    let quotas = quotas.map(|quota| ("quotas", quota.name()));
    let costs = tenant
        .rate_limit
        .costs()
        .iter()
        .filter(|cost| !cost.classes().is_empty());
    for (list, name) in quotas.chain(costs.map(|cost| ("costs", cost.name()))) {
        let message = "no route has a class, so nothing is counted by it: [routes] is empty, or off";
        let problem = Problem::new(["rate_limit", list, name, "classes"], "classes_without_routes", message);
        warn(problem.help("say under [routes] what each route is for, or write `routes` instead of `classes`"));
    }
}

/// Calls for each value, the outer before the inner.
fn walk(value: &Value, key: &mut Vec<String>, each: &mut impl FnMut(&[String], &Value)) {
    each(key, value);
    if let Value::Dict(_, values) = value {
        for (name, value) in values {
            key.push(name.clone());
            walk(value, key, each);
            key.pop();
        }
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

fn list(names: &[&str]) -> String {
    match names.split_at_checked(MOST_NAMES) {
        Some((some, more)) if !more.is_empty() => format!("{} and {} more", some.join(", "), more.len()),
        _ => names.join(", "),
    }
}

/// More names than this do not fit into a line.
const MOST_NAMES: usize = 10;
