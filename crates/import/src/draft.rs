//! A tenant's file before it is one.

use rempart_tenant::{HostPattern, TenantId};

/// What is known of a tenant that has no file yet. [`to_toml`](Self::to_toml) writes the file, with what is not known as
/// lines that begin with `#`.
///
/// ```
/// use rempart_import::TenantDraft;
///
/// let mut draft = TenantDraft::new("museum".parse().unwrap());
/// draft.hosts.push("museum.example".parse().unwrap());
/// draft.upstream = Some("http://127.0.0.1:9104".into());
/// let file = draft.to_toml();
/// assert!(file.contains("hosts = [\"museum.example\"]\n"));
/// assert!(file.contains("[upstream]\nurl = \"http://127.0.0.1:9104\"\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantDraft {
    /// Its name, which is that of its file.
    pub id: TenantId,
    /// The hosts under which it is reached. A draft with none cannot be served, and its file says so.
    pub hosts: Vec<HostPattern>,
    /// Where its application is: `http://`, a host and a port. `None` is written as a line to fill in.
    pub upstream: Option<String>,
    /// How long a connection to the application may take, such as `"2s"`.
    pub connect_timeout: Option<String>,
    /// How long the application may take to begin its answer, such as `"30s"`.
    pub response_timeout: Option<String>,
    /// The family of the application: `php`, `aspnet`, `java-servlet`, `wordpress`, `django` or `static`.
    pub preset: Option<String>,
    /// A family that it may be of: proposed in a comment, because a preset changes what the edge does.
    pub likely_preset: Option<&'static str>,
    /// Its certificate.
    pub certificate: Option<Certificate>,
    /// How often clients may ask.
    pub quotas: Vec<Quota>,
    /// `SameSite` of its cookies.
    pub same_site: Option<String>,
    /// `Strict-Transport-Security` of its answers.
    pub hsts: Option<Hsts>,
    /// Who may show it in a frame; an empty list is nobody.
    pub frame_ancestors: Option<Vec<String>>,
    /// Its `Referrer-Policy`.
    pub referrer_policy: Option<String>,
    /// Headers that do not leave.
    pub remove: Vec<String>,
    /// Where it comes from, for the first line of the file: `"nginx: sites.conf:12"`.
    pub origin: Option<String>,
    /// What a person has to know before this is served, above all access rules that were not carried over.
    pub notes: Vec<String>,
}

/// The two files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, PEM.
    pub certificate: String,
    /// The private key, PEM.
    pub key_file: String,
}

/// One quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name: 1 to 32 of `a-z`, `0-9`, `_` and `-`. `client` goes before the built-in one of that name.
    pub name: String,
    /// How often: `"10/s burst 21"`.
    pub rate: String,
    /// Whether all clients share one count.
    pub per_tenant: bool,
    /// The routes that are counted; none is all of them.
    pub routes: Vec<String>,
    /// What stood there, for the comment.
    pub was: String,
}

/// `Strict-Transport-Security`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// How long browsers remember, such as `"365d"`.
    pub max_age: String,
    /// Whether all hosts below are meant too.
    pub include_subdomains: bool,
    /// Whether browsers may ship the host in their list.
    pub preload: bool,
}

impl TenantDraft {
    /// A draft of which nothing is known but the name.
    #[must_use]
    pub fn new(id: TenantId) -> Self {
        Self {
            id,
            hosts: Vec::new(),
            upstream: None,
            connect_timeout: None,
            response_timeout: None,
            preset: None,
            likely_preset: None,
            certificate: None,
            quotas: Vec::new(),
            same_site: None,
            hsts: None,
            frame_ancestors: None,
            referrer_policy: None,
            remove: Vec::new(),
            origin: None,
            notes: Vec::new(),
        }
    }
}
