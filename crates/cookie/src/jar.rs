use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::COOKIE;
use http::{HeaderValue, request};

use crate::CookiePolicy;
use crate::attributes::split_pair;
use crate::host::AskedHost;
use crate::incoming::pairs;
use crate::label::seconds;
use crate::pattern::is_name;
use crate::prefix::Prefix;
use crate::seal::Opened;

/// Sealed cookies of a handler's own, in the extensions of every request below a
/// [`CookieLayer::with_jar`](crate::CookieLayer::with_jar).
///
/// A value is encrypted and bound to the tenant, the cookie's name and the host, as a session's is. Outside, the cookie is
/// called `__Host-NAME`. What is [`set`](Self::set) before the answer's head is returned leaves with it.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use rempart_cookie::{CookieLayer, CookiePolicy, CookieSettings, SealedJar};
/// use rempart_guard::Reporter;
/// use rempart_tenant::KeyRing;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let keys = KeyRing::ephemeral().unwrap().tenant(&"library".parse().unwrap()).derive_all("cookies");
/// let policy = CookiePolicy::new(CookieSettings::default(), Vec::new(), &keys).unwrap();
/// let service = ServiceBuilder::new()
///     .layer(CookieLayer::new(policy, Reporter::silent()).with_jar())
///     .service(service_fn(async |request: Request<()>| {
///         let jar = request.extensions().get::<SealedJar>().unwrap();
///         let seen = jar.get("basket").unwrap_or_default();
///         jar.set("basket", &format!("{seen}apple ")).unwrap();
///         Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(seen)))
///     }));
///
/// let ask = |cookie: &str| Request::get("/").header("cookie", cookie).body(()).unwrap();
/// let first = service.clone().oneshot(ask("")).await.unwrap();
/// let set = first.headers()["set-cookie"].to_str().unwrap();
/// assert!(set.starts_with("__Host-basket=") && !set.contains("apple"), "{set}");
/// let answer = service.oneshot(ask(set.split(';').next().unwrap())).await.unwrap();
/// let seen = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
/// assert_eq!(seen, "apple ");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SealedJar(Arc<Jar>);

/// Why a cookie was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JarError {
    /// No name of a cookie, or one with a prefix of its own.
    #[error("this cannot be the name of a cookie: letters, digits and the likes of `-`, `_` and `.`, without a prefix")]
    Name,
    /// The name is one of the sessions of the application, or a rule is about it.
    #[error("a cookie of this name is the application's")]
    Taken,
    /// Sealed, with its name, it would be longer than 4,096 bytes.
    #[error("sealed, the cookie would be longer than browsers keep")]
    TooLarge,
}

impl SealedJar {
    pub(crate) fn new(policy: &Arc<CookiePolicy>, head: &request::Parts) -> Self {
        Self(Arc::new(Jar {
            policy: Arc::clone(policy),
            host: AskedHost::of(head),
            lines: head.headers.get_all(COOKIE).iter().cloned().collect(),
            changes: Mutex::default(),
        }))
    }

    /// The value of a cookie, as this request shows it or as it was set since. `None` too when it does not open, or when two
    /// came with different values.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let changed = self
            .lock()
            .iter()
            .rev()
            .find(|(changed, ..)| changed == name)
            .map(|(_, value, _)| value.clone());
        changed.unwrap_or_else(|| self.0.shown(name))
    }

    /// Sets a cookie that goes with the browser.
    ///
    /// # Errors
    ///
    /// A name that is none or the application's, a value that is too long.
    pub fn set(&self, name: &str, value: &str) -> Result<(), JarError> {
        self.put(name, value, None)
    }

    /// Sets a cookie that browsers keep for so long, and at most for as long as the policy's `max_age`.
    ///
    /// # Errors
    ///
    /// A name that is none or the application's, a value that is too long.
    pub fn set_for(&self, name: &str, value: &str, max_age: Duration) -> Result<(), JarError> {
        self.put(name, value, Some(max_age.as_secs()))
    }

    /// Removes a cookie from the browser.
    pub fn remove(&self, name: &str) {
        if self.0.check(name).is_ok() {
            self.change((name.to_owned(), None, None));
        }
    }

    pub(crate) fn has_changed(&self) -> bool {
        !self.lock().is_empty()
    }

    /// What was set and removed, each name once: the value, and for how many seconds.
    pub(crate) fn changes(&self) -> Vec<Changed> {
        self.lock().clone()
    }

    fn put(&self, name: &str, value: &str, lifetime: Option<u64>) -> Result<(), JarError> {
        self.0.check(name)?;
        let length = Prefix::Host.as_str().len() + name.len() + crate::seal::sealed_len(value.len(), Some(b"/"));
        if length > crate::outgoing::LONGEST_COOKIE {
            return Err(JarError::TooLarge);
        }
        self.change((name.to_owned(), Some(value.to_owned()), lifetime));
        Ok(())
    }

    fn change(&self, change: Changed) {
        let mut changes = self.lock();
        changes.retain(|(name, ..)| *name != change.0);
        changes.push(change);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Changed>> {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Changed = (String, Option<String>, Option<u64>);

struct Jar {
    policy: Arc<CookiePolicy>,
    host: AskedHost,
    lines: Vec<HeaderValue>,
    changes: Mutex<Vec<Changed>>,
}

impl Jar {
    fn shown(&self, name: &str) -> Option<String> {
        self.check(name).ok()?;
        let outside = [Prefix::Host.as_str(), name].concat();
        let (host, now) = (self.host.name(), SystemTime::now());
        let named = self.lines.iter().flat_map(pairs).filter_map(split_pair);
        let mut found: Option<Vec<u8>> = None;
        for (_, text) in named.filter(|(shown, _)| *shown == outside.as_bytes()) {
            let mut value = Vec::new();
            let opened = self
                .policy
                .sealer
                .open((name.as_bytes(), &[host.as_str()]), text, now, &mut value);
            let Opened::Own(opened) = opened else { continue };
            let ends = opened.label.sealed.saturating_add(self.policy.max_age);
            let ends = opened.label.ends.map_or(ends, |own| own.min(ends));
            if ends < seconds(now) || opened.is_version_1 {
                continue;
            }
            if found.as_ref().is_some_and(|found| *found != value) {
                return None;
            }
            found = Some(value);
        }
        String::from_utf8(found?).ok()
    }

    fn check(&self, name: &str) -> Result<(), JarError> {
        let (names, bytes) = (&self.policy.names, name.as_bytes());
        if !is_name(bytes) || Prefix::Host.of(bytes) == Prefix::None {
            return Err(JarError::Name);
        }
        let is_ruled = names.rules.of(bytes).next().is_some();
        match is_ruled || names.is_session(bytes) {
            true => Err(JarError::Taken),
            false => Ok(()),
        }
    }
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jar(..)")
    }
}
