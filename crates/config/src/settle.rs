//! Who is served, and as which version of a file, when some files are wrong or want the same host.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use rempart_guard::Problem;
use rempart_tenant::HostPattern;
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::neighbours;
use crate::tenant::TenantConfig;
use crate::tenant_file::TenantFile;

/// A tenant before it is known who else wants what.
#[derive(Debug)]
pub struct Candidate {
    /// Its file.
    pub file: Arc<TenantFile>,
    /// What the file came to. Somebody who knows more than the file, such as whether a certificate matches its key, may
    /// have found it wrong.
    pub new: Result<Arc<TenantConfig>, Diagnostics>,
    /// What it was served as until now.
    pub last_good: Option<Arc<TenantConfig>>,
}

/// How a tenant is served.
#[derive(Clone, Debug)]
pub struct Standing {
    /// As its file says, as its last good file said, or not at all.
    pub state: TenantState,
    /// As what; `None` when it is absent.
    pub tenant: Option<Arc<TenantConfig>>,
    /// What is wrong. A tenant that is served as its file says has something here only when another claims its host.
    pub wrong: Diagnostics,
}

/// Whether a tenant is served as its file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// As its file says.
    Current,
    /// Its file is quarantined: it is served as the last good one said.
    LastGood,
    /// Its file is quarantined, and there was none before.
    Absent,
}

impl TenantState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Current, Self::LastGood, Self::Absent];

    /// The word in the log, in metrics and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::LastGood => "last_good",
            Self::Absent => "absent",
        }
    }
}

impl fmt::Display for TenantState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Decides for each candidate, in their order.
///
/// A host that two tenants want stays with the one that has it already; when neither has, neither gets it. Whoever does
/// not get a host that its file claims is served as before, and all of them are named.
#[must_use]
pub fn settle(candidates: &[Candidate]) -> Vec<Standing> {
    let mut settling = Settling::new(candidates);
    while settling.resolve() {}
    settling.finish()
}

/// Names, on both sides, every host that two files claim.
pub(crate) fn disputed(files: &[Arc<TenantFile>]) -> Vec<Diagnostic> {
    let claims = files.iter().enumerate().flat_map(|(index, file)| {
        let hosts = file.claims().iter().map(|(_, host)| host);
        hosts.map(move |host| (host, index))
    });
    let mut named = vec![Vec::new(); files.len()];
    for (host, claimants) in disputes(claims).values() {
        name(host, claimants, |index| &files[index], &mut named);
    }
    named.into_iter().flatten().collect()
}

/// The hosts that several claim, each claimant once; claims come claimant by claimant.
fn disputes<'a>(
    claims: impl Iterator<Item = (&'a HostPattern, usize)>,
) -> BTreeMap<String, (&'a HostPattern, Vec<usize>)> {
    let mut first: HashMap<&HostPattern, usize> = HashMap::new();
    let mut disputes: BTreeMap<String, (&HostPattern, Vec<usize>)> = BTreeMap::new();
    for (host, claimant) in claims {
        let has = *first.entry(host).or_insert(claimant);
        if has != claimant {
            let (_, claimants) = disputes.entry(host.to_string()).or_insert((host, vec![has]));
            if claimants.last() != Some(&claimant) {
                claimants.push(claimant);
            }
        }
    }
    disputes
}

/// Says of every claimant's file that others claim the host too. A file that has been named often enough is not named
/// again: two that are copies of each other may have thousands of hosts.
fn name<'a>(
    host: &HostPattern,
    claimants: &[usize],
    file: impl Fn(usize) -> &'a TenantFile,
    wrong: &mut [Vec<Diagnostic>],
) {
    let unsaid: Vec<usize> = claimants
        .iter()
        .copied()
        .filter(|index| wrong[*index].len() < MOST_WRONG)
        .collect();
    if unsaid.is_empty() {
        return;
    }
    // One more than are shown, because nobody is shown to itself.
    let places = claimants
        .iter()
        .take(MOST_RELATED + 1)
        .map(|index| (*index, file(*index).place_of(host)));
    let places: Vec<(usize, Place)> = places.collect();
    for index in unsaid {
        let mut diagnostic = claim(host, file(index), claimants.len() - 1);
        let others = places.iter().filter(|(other, _)| *other != index).take(MOST_RELATED);
        for (other, place) in others {
            diagnostic = diagnostic.related(place.clone(), format!("{} claims it here", file(*other).id()));
        }
        wrong[index].push(diagnostic);
    }
}

/// That a file claims a host which others claim too.
fn claim(host: &HostPattern, file: &TenantFile, others: usize) -> Diagnostic {
    let index = file.claims().iter().find(|(_, claimed)| claimed == host);
    let key = index.map_or_else(Vec::new, |(index, _)| vec![index.clone()]);
    let key = ["hosts".to_owned()].into_iter().chain(key);
    let message = match others {
        1 => format!("another tenant claims the host {host} too"),
        others => format!("{others} other tenants claim the host {host} too"),
    };
    file.diagnose(Problem::new(key, "host_claimed", message))
}

/// How much is said of one tenant's file.
const MOST_WRONG: usize = 100;

/// How many others are named beside one that claims the same host.
const MOST_RELATED: usize = 3;

/// Which version of each tenant is still in question.
struct Settling<'a> {
    candidates: &'a [Candidate],
    states: Vec<TenantState>,
    wrong: Vec<Vec<Diagnostic>>,
}

impl<'a> Settling<'a> {
    fn new(candidates: &'a [Candidate]) -> Self {
        let states = candidates.iter().map(|candidate| match &candidate.new {
            Ok(_) => TenantState::Current,
            Err(_) => candidate.fallen(TenantState::Current),
        });
        let wrong = candidates.iter().map(|candidate| match &candidate.new {
            Ok(_) => Vec::new(),
            Err(wrong) => wrong.iter().cloned().collect(),
        });
        Self {
            candidates,
            states: states.collect(),
            wrong: wrong.collect(),
        }
    }

    /// Takes away what is disputed; `false` when nothing is. Every round that says `true` has put a tenant back to an
    /// older version, of which there are two, so that the rounds come to an end.
    fn resolve(&mut self) -> bool {
        let served = self.candidates.iter().zip(&self.states);
        let claims = served.enumerate().flat_map(|(index, (candidate, state))| {
            let hosts = candidate.version(*state).map(|tenant| tenant.hosts.iter());
            hosts.into_iter().flatten().map(move |host| (host, index))
        });
        let disputes = disputes(claims);
        let mut fallen: BTreeSet<usize> = BTreeSet::new();
        for (host, claimants) in disputes.values() {
            let has = claimants.iter().find(|index| self.candidates[**index].has(host));
            name(host, claimants, |index| &self.candidates[index].file, &mut self.wrong);
            fallen.extend(claimants.iter().filter(|index| Some(*index) != has));
        }
        // Once in a round, over however many hosts: the version below is one that nobody has looked at yet.
        for index in fallen {
            self.states[index] = self.candidates[index].fallen(self.states[index]);
        }
        !disputes.is_empty()
    }

    fn finish(self) -> Vec<Standing> {
        let mut served: Vec<Arc<TenantConfig>> = Vec::new();
        for (candidate, state) in self.candidates.iter().zip(&self.states) {
            served.extend(candidate.version(*state).cloned());
        }
        neighbours::separate(&mut served);
        let (mut served, mut standings) = (served.into_iter(), Vec::with_capacity(self.states.len()));
        for (state, wrong) in self.states.into_iter().zip(self.wrong) {
            standings.push(Standing {
                state,
                tenant: (state != TenantState::Absent).then(|| served.next()).flatten(),
                wrong: wrong.into_iter().collect(),
            });
        }
        standings
    }
}

impl Candidate {
    /// The state below: what is served when that is not.
    const fn fallen(&self, state: TenantState) -> TenantState {
        match (state, &self.last_good) {
            (TenantState::Current, Some(_)) => TenantState::LastGood,
            _ => TenantState::Absent,
        }
    }

    fn version(&self, state: TenantState) -> Option<&Arc<TenantConfig>> {
        match state {
            TenantState::Current => self.new.as_ref().ok(),
            TenantState::LastGood => self.last_good.as_ref(),
            TenantState::Absent => None,
        }
    }

    /// Whether it has this host already.
    fn has(&self, host: &HostPattern) -> bool {
        self.last_good
            .as_ref()
            .is_some_and(|tenant| tenant.hosts.contains(host))
    }
}
