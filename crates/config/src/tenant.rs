use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rempart_cookie::{CookiePolicy, CookieSettings};
use rempart_guard::{Problem, Problems};
use rempart_headers::HeadersPolicy;
use rempart_login::{LoginPolicy, LoginSettings};
use rempart_rate_limit::RateLimitPolicy;
use rempart_records::{RoutesPolicy, RoutesSettings};
use rempart_sessions::SessionsPolicy;
use rempart_shares::SharesPolicy;
use rempart_tenant::{HostPattern, KeyRing, TenantId};
use rempart_tls::{TlsFiles, TlsSettings, is_reserved};
use rempart_waiting_room::WaitingRoomPolicy;

use crate::diagnostic::Diagnostic;
use crate::extract::Hint;
use crate::ground::Ground;
use crate::layers::Layers;
use crate::neighbours;
use crate::reader::Reader;
use crate::settings::{DefaultSettings, TenantSettings};
use crate::upstream::UpstreamPolicy;

/// One tenant, with every value ready to be enforced. Two are equal when they do the same, however they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantConfig {
    /// Its name: that of its file.
    pub id: TenantId,
    /// Its hosts, as written; at least one.
    pub hosts: Vec<HostPattern>,
    /// Its application.
    pub upstream: UpstreamPolicy,
    /// Where its certificate comes from.
    pub tls: TlsSource,
    /// How often clients may ask, and whether that is enforced.
    pub rate_limit: RateLimitPolicy,
    /// Which part of the edge is its own.
    pub shares: SharesPolicy,
    /// Who waits when more people come than there is room for.
    pub waiting_room: WaitingRoomPolicy,
    /// What each route is for, and whether unnamed ones are refused.
    pub routes: RoutesPolicy,
    /// How cookies leave, and whether that is enforced. Checked: they make a policy with the tenant's key, which is not
    /// known here, and with [`cookie_domains`](Self::cookie_domains).
    pub cookies: CookieSettings,
    /// The hosts that a cookie's `Domain` may be: those that have no other tenant's host below them. A tenant that was read
    /// alone has no neighbours.
    pub cookie_domains: Vec<String>,
    /// How long somebody stays logged in, and whether that is enforced. Its cookies are among those that are sealed.
    pub sessions: SessionsPolicy,
    /// How often a password may be wrong, and whether that is enforced.
    pub login: LoginPolicy,
    /// How other headers leave, and whether that is enforced.
    pub headers: HeadersPolicy,
    /// Its file.
    pub file: PathBuf,
}

/// Where a tenant's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// From two PEM files, which are not looked at here.
    Files {
        /// The certificate and its chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// From the development CA in the state directory.
    Development,
}

impl TenantConfig {
    /// Reads a tenant. Its hosts come with it even when something else is wrong: others may claim them too.
    pub(crate) fn read(
        id: &TenantId,
        file: PathBuf,
        layers: &Layers,
        ground: &Ground,
    ) -> (Option<Self>, Vec<(String, HostPattern)>, Vec<Diagnostic>) {
        let mut reader = Reader::<TenantSettings>::new(layers, HINTS);
        let settings = reader.settings();
        let hosts = read_hosts(&settings.hosts.0, &mut reader);
        let listeners: Vec<SocketAddr> = ground.listeners().collect();
        let upstream = UpstreamPolicy::read(&settings.upstream, &listeners, &mut reader);
        let tls = read_tls(&settings.tls, &hosts, ground, &mut reader);
        let rate_limit = reader.section("rate_limit", settings.rate_limit);
        let shares = reader.section("shares", settings.shares);
        let waiting_room = reader.section("waiting_room", settings.waiting_room);
        let login = reader.section("login", relative(settings.login, &ground.directory));
        let routes = read_routes(settings.routes, settings.personal_data, &mut reader);
        let cookies = reader.checked("cookies", check_cookies(id, &settings.cookies), settings.cookies);
        let sessions = reader.section("sessions", settings.sessions);
        if let Some((sessions, cookies)) = sessions.as_ref().zip(cookies.as_ref()) {
            sealed_first(sessions, &cookies.session, &mut reader);
        }
        let headers = reader.section("headers", settings.headers);
        let mut diagnostics = reader.finish();
        if ground.vendor.is_none() {
            // It may well stand in the file that could not be read.
            diagnostics.retain(|one| one.code != "missing_key");
        }
        for diagnostic in &mut diagnostics {
            diagnostic.tenant = Some(id.to_string());
        }
        let whole = || {
            Some(Self {
                id: id.clone(),
                hosts: hosts.iter().map(|(_, host)| host.clone()).collect(),
                upstream: upstream?,
                tls: tls?,
                rate_limit: rate_limit?,
                shares: shares?,
                waiting_room: waiting_room?,
                routes: routes?,
                cookies: cookies?,
                cookie_domains: neighbours::own_names(&hosts),
                sessions: sessions?,
                login: login?,
                headers: headers?,
                file,
            })
        };
        let tenant = if diagnostics.is_empty() { whole() } else { None };
        (tenant, hosts, diagnostics)
    }
}

impl DefaultSettings {
    /// Checks what every tenant would have of them.
    pub(crate) fn check(self, ground: &Ground, reader: &mut Reader<'_, Self>) {
        let listeners: Vec<SocketAddr> = ground.listeners().collect();
        let nobody = "defaults".parse().expect("this can be a tenant's name");
        UpstreamPolicy::read(&self.upstream, &listeners, reader);
        reader.section::<_, RateLimitPolicy>("rate_limit", self.rate_limit);
        reader.section::<_, SharesPolicy>("shares", self.shares);
        reader.section::<_, WaitingRoomPolicy>("waiting_room", self.waiting_room);
        reader.section::<_, LoginPolicy>("login", relative(self.login, &ground.directory));
        read_routes(self.routes, self.personal_data, reader);
        reader.checked("cookies", check_cookies(&nobody, &self.cookies), ());
        reader.section::<_, SessionsPolicy>("sessions", self.sessions);
        reader.section::<_, HeadersPolicy>("headers", self.headers);
    }
}

/// Keys that people look for in another place of a tenant's file.
const HINTS: &[Hint] = &[
    (
        "hosts",
        "`hosts` stands at the top of the file, before the first [section]",
    ),
    (
        "host",
        "did you mean `hosts`? It stands at the top of the file, before the first [section]",
    ),
    (
        "key",
        "did you mean `key_file`? A key is never written into a configuration",
    ),
    ("listen", "where the edge listens stands in the vendor's rempart.toml"),
];

fn read_hosts(written: &[String], reader: &mut Reader<'_, TenantSettings>) -> Vec<(String, HostPattern)> {
    if written.is_empty() {
        let problem = Problem::new(
            ["hosts"],
            "missing_key",
            "the tenant has no host under which it is reached",
        );
        reader.missing(problem.help("write `hosts = [\"library.example\"]` at the top of the file"));
    }
    let hosts = written.iter().enumerate().filter_map(|(index, text)| {
        let index = index.to_string();
        let host = text.parse::<HostPattern>().map_err(|error| {
            let problem = Problem::new(["hosts", &index], "host_invalid", format!("{text:?}: {error}"));
            match text.contains(['/', ':']) {
                true => problem.help("a host is a name only, without https:// and without a port"),
                false => problem.help("such as \"library.example\" or \"*.library.example\""),
            }
        });
        Some((index, reader.take(host)?))
    });
    hosts.collect()
}

fn read_tls(
    settings: &TlsSettings,
    hosts: &[(String, HostPattern)],
    ground: &Ground,
    reader: &mut Reader<'_, TenantSettings>,
) -> Option<TlsSource> {
    let help = "a certificate and its key are written together, or neither";
    let files = settings
        .resolve(&ground.directory)
        .map_err(|half| half.under("tls").help(help));
    match reader.take(files)? {
        Some(TlsFiles { certificate, key }) => Some(TlsSource::Files { certificate, key }),
        None => read_development(hosts, ground, reader),
    }
}

fn read_development(
    hosts: &[(String, HostPattern)],
    ground: &Ground,
    reader: &mut Reader<'_, TenantSettings>,
) -> Option<TlsSource> {
    if !ground.vendor.as_ref()?.development_certificates {
        let problem = Problem::new(
            ["tls", "certificate"],
            "certificate_missing",
            "the tenant has no certificate",
        );
        let help = "write `certificate` and `key_file` under [tls]; for a demonstration, set \
                    `[development] certificates = true` in rempart.toml";
        reader.missing(problem.help(help));
        return None;
    }
    for (index, host) in hosts {
        let problem = |code, message: String| Problem::new(["hosts", index], code, message);
        match host {
            HostPattern::OneBelow(_) => reader.problem(
                problem("development_wildcard", format!("{host} needs a certificate of its own")).help(
                    "the development CA makes none for wildcards; write `certificate` and `key_file` under [tls]",
                ),
            ),
            HostPattern::Exact(name) if !is_reserved(name.as_str()) => reader.problem(
                problem(
                    "development_host",
                    format!("{host} can be a real host and needs a real certificate"),
                )
                .help("write `certificate` and `key_file` under [tls], or use a name under .localhost or .test"),
            ),
            HostPattern::Exact(_) => {}
        }
    }
    Some(TlsSource::Development)
}

/// The login guard's directory, as seen from the configuration's.
fn relative(mut settings: LoginSettings, directory: &Path) -> LoginSettings {
    if let Some(breached) = &mut settings.breached {
        breached.directory = directory.join(&breached.directory);
    }
    settings
}

/// The route map, which means more for a tenant that holds personal data.
fn read_routes<T>(settings: RoutesSettings, personal_data: bool, reader: &mut Reader<'_, T>) -> Option<RoutesPolicy> {
    match RoutesPolicy::new(settings, personal_data) {
        Ok(policy) => Some(policy),
        Err(problems) => reader.checked("routes", Err(problems), ()).and(None),
    }
}

/// A cookie whose sessions are watched is one that is sealed: the seal says which session it is.
fn sealed_first(sessions: &SessionsPolicy, sealed: &[String], reader: &mut Reader<'_, TenantSettings>) {
    let is_sealed = |name: &str| {
        sealed.iter().any(|one| match one.strip_suffix('*') {
            Some(stem) => name.starts_with(stem),
            None => one == name,
        })
    };
    for (key, name) in sessions.cookies().filter(|(_, name)| !is_sealed(name)) {
        let message = format!("`{name}` is not among the session cookies that are sealed");
        let problem = Problem::new(["sessions", key], "session_not_sealed", message);
        reader.problem(problem.help(format!("write `session = [\"{name}\"]` under [cookies]")));
    }
}

/// Whether the settings make a policy. The key is nobody's, and the policy is thrown away.
fn check_cookies(id: &TenantId, settings: &CookieSettings) -> Result<(), Problems> {
    let ring = KeyRing::from_secret(&[0; 32]).expect("32 bytes are enough for a secret");
    CookiePolicy::new(settings.clone(), Vec::new(), &ring.tenant(id).derive_all("check")).map(|_| ())
}
