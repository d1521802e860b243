//! One server block, one router, one route with hosts: what is to become a tenant, or a part of one.

use rempart_tenant::HostPattern;

use crate::account::{Account, Item};
use crate::{Hsts, Quota};

/// A value, and the directive that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) item: Item,
    /// How far in it is said: what is further in goes before.
    pub(crate) level: u8,
}

/// What is to become a tenant, or a part of one.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The block as a whole.
    pub(crate) item: Item,
    pub(crate) hosts: Vec<Said<HostPattern>>,
    pub(crate) doors: Vec<Door>,
    pub(crate) settings: Settings,
    /// Whether it is the one for HTTPS, which goes before the one for plain HTTP.
    pub(crate) secure: bool,
    /// The host to which it sends everybody, when that is all that it does.
    pub(crate) redirect: Option<Redirect>,
    pub(crate) likely_preset: Option<&'static str>,
    pub(crate) notes: Vec<String>,
}

/// A way to an application.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// Its address, or why it cannot be an upstream.
    pub(crate) url: Result<String, String>,
    /// How much of the site goes there.
    pub(crate) reach: Reach,
    /// Every directive that says so: the door itself, and a list of servers.
    pub(crate) items: Vec<Item>,
}

/// How much of a site goes to an application, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Every path that has no rule of its own.
    All,
    /// What is not found elsewhere.
    Rest,
    /// Some paths.
    Part,
}

/// Which requests a block means.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// All of them; how far in this stands.
    All(u8),
    /// The application's name for what is not found: `@app`.
    Named,
    /// These paths.
    Paths(Vec<String>),
    /// Paths that no route pattern can name.
    Odd(String),
}

impl Scope {
    pub(crate) const fn all(level: u8) -> Self {
        Self::All(level)
    }

    pub(crate) const fn level(&self) -> u8 {
        match self {
            Self::All(level) => *level,
            _ => 2,
        }
    }

    /// The routes of a tenant's file; none is all of them.
    pub(crate) fn routes(&self) -> Result<Vec<String>, String> {
        match self {
            Self::All(_) => Ok(Vec::new()),
            Self::Paths(paths) => Ok(paths.clone()),
            Self::Named => Err("it holds for what is not found elsewhere, and a quota has routes".into()),
            Self::Odd(which) => Err(format!("`{which}` is no path that a route can name")),
        }
    }

    pub(crate) const fn reach(&self) -> Reach {
        match self {
            Self::All(_) => Reach::All,
            Self::Named => Reach::Rest,
            Self::Paths(_) | Self::Odd(_) => Reach::Part,
        }
    }
}

/// Where a site sends its visitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// To the same host over HTTPS, or nowhere.
    Same,
    /// To another host.
    To(String),
}

/// What can be set for a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Option<Said<String>>,
    pub(crate) response_timeout: Option<Said<String>>,
    pub(crate) certificate: Option<Said<String>>,
    pub(crate) key_file: Option<Said<String>>,
    pub(crate) hsts: Option<Said<Hsts>>,
    pub(crate) frame_ancestors: Option<Said<Vec<String>>>,
    pub(crate) referrer_policy: Option<Said<String>>,
    pub(crate) same_site: Option<Said<String>>,
    pub(crate) remove: Vec<Said<String>>,
    pub(crate) quotas: Vec<Said<Quota>>,
}

impl<T> Said<T> {
    pub(crate) const fn new(value: T, item: Item) -> Self {
        Self { value, item, level: 0 }
    }

    pub(crate) fn at(self, level: u8) -> Self {
        Self { level, ..self }
    }
}

impl Site {
    pub(crate) fn new(item: Item, settings: Settings) -> Self {
        Self {
            item,
            hosts: Vec::new(),
            doors: Vec::new(),
            settings,
            secure: false,
            redirect: None,
            likely_preset: None,
            notes: Vec::new(),
        }
    }

    /// Leaves a rule of who gets in, and notes it in the draft: nobody opens by accident what was closed.
    pub(crate) fn leave_access(&mut self, item: Item, scope: &Scope, account: &mut Account) {
        let (place, text) = (account.place(item), account.text(item));
        let paths = match scope {
            Scope::All(_) | Scope::Named => String::new(),
            Scope::Paths(paths) => format!(" for {}", paths.join(", ")),
            Scope::Odd(which) => format!(" for {which}"),
        };
        let note =
            format!("{place} has a rule of access that was NOT carried over: `{text}`{paths}. Here everybody gets in.");
        self.notes.push(note);
        let instead = "keep the rule in the application, or what stands before it";
        account.left_but(item, "the edge does not ask who somebody is", instead);
    }

    /// Whether it does nothing but send visitors away.
    pub(crate) const fn only_redirects(&self) -> bool {
        self.redirect.is_some() && self.doors.is_empty()
    }
}

/// The application that a site as a whole goes to: the only one, or the one for all paths that have no rule of their own.
pub(crate) fn choose(doors: &[Door]) -> Option<&Door> {
    let reach = doors.iter().map(|door| door.reach).min()?;
    let mut widest = doors.iter().filter(|door| door.reach == reach);
    let chosen = widest.next()?;
    let alone = reach != Reach::Part || widest.all(|other| other.url == chosen.url);
    Some(chosen).filter(|chosen| alone && chosen.url.is_ok())
}

/// Chooses, and answers for all doors.
pub(crate) fn settle(doors: &[Door], account: &mut Account) -> Option<String> {
    let url = choose(doors).and_then(|door| door.url.clone().ok());
    for door in doors {
        door.answer(url.as_ref(), account);
    }
    url
}

impl Door {
    fn answer(&self, chosen: Option<&String>, account: &mut Account) {
        for item in &self.items {
            match (&self.url, chosen) {
                (Ok(url), Some(chosen)) if url == chosen => account.carried(*item),
                (Ok(_), Some(chosen)) => {
                    let why = format!("a tenant has one application, and this one's is {chosen}");
                    account.left_but(*item, why, OWN_HOST);
                }
                (Ok(_), None) => {
                    account.left_but(*item, "several applications, and none is that of all paths", OWN_HOST)
                }
                (Err(why), Some(_)) => account.left_but(*item, why, OWN_HOST),
                (Err(why), None) => account.left_but(*item, why, WRITE_URL),
            }
        }
    }
}

const OWN_HOST: &str = "give the other application a host, and thereby a tenant, of its own";
const WRITE_URL: &str = "write [upstream] url = \"http://host:port\" of something that speaks HTTP";

/// Sets a value unless one further in, or an earlier one, has set it. The one that does not count is answered for.
pub(crate) fn set<T: PartialEq>(place: &mut Option<Said<T>>, said: Said<T>, account: &mut Account) {
    let Some(current) = place else {
        *place = Some(said);
        return;
    };
    let before = |winner: Item, account: &Account| format!("{} goes before it", account.place(winner));
    if said.level > current.level {
        let replaced = std::mem::replace(current, said);
        // What is said for all sites may still count for another one.
        if replaced.level > 0 {
            let why = before(current.item, account);
            account.understood(replaced.item, why);
        }
    } else if said.value == current.value {
        account.understood(said.item, "another line says the same");
    } else if said.level < current.level {
        let why = before(current.item, account);
        account.understood(said.item, why);
    } else {
        let why = format!("{} says something else", account.place(current.item));
        account.left(said.item, why);
    }
}

/// Merges what another part of the same site says: what is there stays, and what contradicts it is left.
pub(crate) fn merge<T: PartialEq>(place: &mut Option<Said<T>>, other: Option<Said<T>>, account: &mut Account) {
    match (place.as_ref(), other) {
        (None, other) => *place = other,
        (Some(_), None) => {}
        (Some(here), Some(other)) if here.value == other.value => account.carried(other.item),
        // What is said for all sites gives way to what one of them says.
        (Some(_), Some(other)) if other.level == 0 => {}
        (Some(here), Some(other)) => {
            let why = format!("{} of the same site says something else", account.place(here.item));
            account.left(other.item, why);
        }
    }
}

impl Settings {
    /// Merges what another part of the same site says.
    pub(crate) fn merge(&mut self, mut other: Self, account: &mut Account) {
        // Two halves of two parts are no pair, and the half of one that is here already is not carried by that.
        match (&other.certificate, &other.key_file) {
            (Some(half), None) => account.left(half.item, "a certificate without its key"),
            (None, Some(half)) => account.left(half.item, "a key without its certificate"),
            _ => {}
        }
        if other.certificate.is_none() || other.key_file.is_none() {
            (other.certificate, other.key_file) = (None, None);
        }
        merge(&mut self.connect_timeout, other.connect_timeout, account);
        merge(&mut self.response_timeout, other.response_timeout, account);
        merge(&mut self.certificate, other.certificate, account);
        merge(&mut self.key_file, other.key_file, account);
        merge(&mut self.hsts, other.hsts, account);
        merge(&mut self.frame_ancestors, other.frame_ancestors, account);
        merge(&mut self.referrer_policy, other.referrer_policy, account);
        merge(&mut self.same_site, other.same_site, account);
        self.remove.extend(other.remove);
        for quota in other.quotas {
            self.count(quota, account);
        }
    }

    /// Adds a quota, or its routes to one that is otherwise the same: a zone counts all its routes together.
    pub(crate) fn count(&mut self, mut quota: Said<Quota>, account: &mut Account) {
        const MOST: usize = 15;
        let same = |one: &&mut Said<Quota>| {
            one.value.rate == quota.value.rate
                && one.value.was == quota.value.was
                && one.value.per_tenant == quota.value.per_tenant
        };
        if let Some(known) = self.quotas.iter_mut().find(same) {
            account.carried(quota.item);
            return widen(&mut known.value.routes, quota.value.routes);
        }
        if self.quotas.len() >= MOST {
            return account.left(quota.item, "a tenant has at most 16 quotas");
        }
        let taken = |name: &str| self.quotas.iter().any(|one| one.value.name == name);
        if taken(&quota.value.name) {
            let base: String = quota.value.name.chars().take(28).collect();
            let free = (2..).map(|number| format!("{base}-{number}")).find(|name| !taken(name));
            quota.value.name = free.expect("there are fewer quotas than numbers");
        }
        self.quotas.push(quota);
    }
}

/// No routes are all of them.
fn widen(routes: &mut Vec<String>, more: Vec<String>) {
    if routes.is_empty() || more.is_empty() {
        return routes.clear();
    }
    for route in more {
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
}

impl Settings {
    /// Every directive that says something here.
    pub(crate) fn items(&self) -> Vec<Item> {
        fn of<T>(said: Option<&Said<T>>) -> Option<Item> {
            said.map(|said| said.item)
        }
        let single = [
            of(self.connect_timeout.as_ref()),
            of(self.response_timeout.as_ref()),
            of(self.certificate.as_ref()),
            of(self.key_file.as_ref()),
            of(self.hsts.as_ref()),
            of(self.frame_ancestors.as_ref()),
            of(self.referrer_policy.as_ref()),
            of(self.same_site.as_ref()),
        ];
        let lists = self
            .remove
            .iter()
            .map(|name| name.item)
            .chain(self.quotas.iter().map(|quota| quota.item));
        single.into_iter().flatten().chain(lists).collect()
    }
}
