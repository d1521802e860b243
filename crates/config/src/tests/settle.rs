//! Who gets a host when files are wrong, or want the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::site::Site;
use crate::{Candidate, Diagnostics, Scope, Source, Standing, TenantConfig, TenantFile, TenantState, settle};

/// Where files are read that stand in no directory.
struct Desk {
    source: Source,
    _site: Site,
}

/// What a tenant's file says now.
#[derive(Clone, Debug)]
enum New {
    /// These hosts, and nothing is wrong.
    Fine(BTreeSet<u8>),
    /// These hosts, and something else that is wrong.
    Faulty(BTreeSet<u8>),
    /// Nothing that could be made out.
    Garbage,
}

/// One tenant of a test: what it was served as, and what its file says now.
type Case = (Option<BTreeSet<u8>>, New);

impl Desk {
    fn new() -> Self {
        let site = Site::new();
        let mut source = Source::new(site.path(), []);
        source.read(&Scope::All).unwrap();
        Self { source, _site: site }
    }

    fn file(&self, name: &str, text: &str) -> Arc<TenantFile> {
        Arc::new(self.source.of_text(&name.parse().unwrap(), text).unwrap())
    }

    fn tenant(&self, name: &str, hosts: &BTreeSet<u8>) -> Arc<TenantConfig> {
        Arc::clone(self.file(name, &text(hosts)).tenant().unwrap())
    }

    fn candidates(&self, cases: &[Case]) -> Vec<Candidate> {
        let named = cases
            .iter()
            .enumerate()
            .map(|(index, case)| (format!("tenant-{index}"), case));
        named.map(|(name, case)| self.candidate(&name, case)).collect()
    }

    fn candidate(&self, name: &str, (before, new): &Case) -> Candidate {
        let text = match new {
            New::Fine(hosts) => text(hosts),
            New::Faulty(hosts) => text(hosts) + "connect_timeout = \"5\"\n",
            New::Garbage => "hosts = [\n".into(),
        };
        let file = self.file(name, &text);
        Candidate {
            new: file.tenant().cloned().map_err(Clone::clone),
            last_good: before.as_ref().map(|hosts| self.tenant(name, hosts)),
            file,
        }
    }

    /// What becomes of these tenants.
    fn settle(&self, cases: &[Case]) -> Vec<Standing> {
        settle(&self.candidates(cases))
    }
}

fn text(hosts: &BTreeSet<u8>) -> String {
    let hosts: Vec<String> = hosts.iter().map(|host| format!("{:?}", name(*host))).collect();
    format!(
        "hosts = [{}]\n[upstream]\nurl = \"http://127.0.0.1:9101\"\n",
        hosts.join(", ")
    )
}

fn name(host: u8) -> String {
    format!("host-{host}.localhost")
}

fn hosts<const N: usize>(hosts: [u8; N]) -> BTreeSet<u8> {
    hosts.into()
}

fn before<const N: usize>(served: [u8; N]) -> Option<BTreeSet<u8>> {
    Some(hosts(served))
}

fn fine<const N: usize>(claimed: [u8; N]) -> New {
    New::Fine(hosts(claimed))
}

/// Each tenant's state and hosts.
fn outcome(standings: &[Standing]) -> Vec<(TenantState, Vec<String>)> {
    standings
        .iter()
        .map(|standing| (standing.state, served(standing)))
        .collect()
}

fn served(standing: &Standing) -> Vec<String> {
    let hosts = standing.tenant.iter().flat_map(|tenant| tenant.hosts.iter());
    hosts.map(ToString::to_string).collect()
}

fn codes(wrong: &Diagnostics) -> Vec<&str> {
    wrong.iter().map(|one| one.code).collect()
}

fn expect<const N: usize>(standings: &[Standing], expected: [(TenantState, &[u8]); N]) {
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(state, hosts)| (state, hosts.iter().map(|host| name(*host)).collect::<Vec<_>>()))
        .collect();
    assert_eq!(outcome(standings), expected);
}

use TenantState::{Absent, Current, LastGood};

#[test]
fn a_host_stays_with_the_tenant_that_has_it_and_both_are_named() {
    let standings = Desk::new().settle(&[(before([1]), fine([1])), (before([2]), fine([2, 1]))]);
    expect(&standings, [(Current, &[1]), (LastGood, &[2])]);
    for (standing, at) in standings.iter().zip(["tenant-0.toml:1:10", "tenant-1.toml:1:10"]) {
        assert_eq!(codes(&standing.wrong), ["host_claimed"]);
        assert_eq!(
            standing.wrong.iter().next().unwrap().place.to_string(),
            format!("tenants.d/{at}")
        );
    }
    let intruder = standings[1].wrong.to_string();
    assert!(
        intruder.contains("note: tenants.d/tenant-0.toml:1:10: tenant-0 claims it here"),
        "{intruder}"
    );
}

#[test]
fn two_newcomers_that_want_one_host_are_both_absent() {
    let standings = Desk::new().settle(&[(None, fine([1])), (None, fine([1, 2])), (None, fine([3]))]);
    expect(&standings, [(Absent, &[]), (Absent, &[]), (Current, &[3])]);
    assert!(
        standings[..2]
            .iter()
            .all(|standing| codes(&standing.wrong) == ["host_claimed"])
    );
    assert!(standings[2].wrong.is_empty());
}

#[test]
fn two_old_tenants_that_want_one_new_host_both_keep_what_they_had() {
    let standings = Desk::new().settle(&[(before([1]), fine([1, 9])), (before([2]), fine([2, 9]))]);
    expect(&standings, [(LastGood, &[1]), (LastGood, &[2])]);
}

#[test]
fn a_broken_file_keeps_its_host_from_a_newcomer() {
    for new in [New::Garbage, New::Faulty(hosts([1])), New::Faulty(hosts([5]))] {
        let standings = Desk::new().settle(&[(before([1]), new.clone()), (None, fine([1]))]);
        expect(&standings, [(LastGood, &[1]), (Absent, &[])]);
        // Its own mistake is named beside the claim.
        assert_eq!(standings[0].wrong.len(), 2, "{new:?}: {:?}", standings[0].wrong);
    }
}

#[test]
fn a_broken_file_claims_nothing_that_it_did_not_have() {
    let standings = Desk::new().settle(&[(before([1]), New::Faulty(hosts([1, 2]))), (None, fine([2]))]);
    expect(&standings, [(LastGood, &[1]), (Current, &[2])]);
    assert!(standings[1].wrong.is_empty());
}

#[test]
fn hosts_are_swapped_in_one_step() {
    let standings = Desk::new().settle(&[(before([1, 3]), fine([2, 3])), (before([2]), fine([1]))]);
    expect(&standings, [(Current, &[2, 3]), (Current, &[1])]);
    assert!(standings.iter().all(|standing| standing.wrong.is_empty()));
}

#[test]
fn a_swap_of_which_one_half_is_broken_is_none() {
    let standings = Desk::new().settle(&[(before([1]), fine([2])), (before([2]), New::Faulty(hosts([1])))]);
    expect(&standings, [(LastGood, &[1]), (LastGood, &[2])]);
}

#[test]
fn a_host_moves_when_its_owner_gives_it_up() {
    let standings = Desk::new().settle(&[(before([1, 2]), fine([1])), (None, fine([2]))]);
    expect(&standings, [(Current, &[1]), (Current, &[2])]);
}

/// The second wants what the first has given up, the third what the second has, and so on; the first's new host is taken.
#[test]
fn one_fall_brings_down_those_who_counted_on_it() {
    let standings = Desk::new().settle(&[
        (before([1]), fine([9])),
        (before([2]), fine([1])),
        (before([3]), fine([2])),
        (None, fine([3])),
        (before([9]), New::Garbage),
        (before([8]), fine([8, 7])),
    ]);
    expect(
        &standings,
        [
            (LastGood, &[1]),
            (LastGood, &[2]),
            (LastGood, &[3]),
            (Absent, &[]),
            (LastGood, &[9]),
            (Current, &[7, 8]),
        ],
    );
}

#[test]
fn whoever_wants_two_hosts_of_others_keeps_its_own() {
    let standings = Desk::new().settle(&[(before([3]), fine([1, 2])), (before([1, 2]), fine([1, 2]))]);
    expect(&standings, [(LastGood, &[3]), (Current, &[1, 2])]);
    let standings = Desk::new().settle(&[
        (before([3]), fine([1, 2, 3])),
        (before([1]), fine([1])),
        (before([2]), fine([2])),
    ]);
    expect(&standings, [(LastGood, &[3]), (Current, &[1]), (Current, &[2])]);
}

#[test]
fn a_wildcard_is_another_host_than_a_name_below_it() {
    let desk = Desk::new();
    let named = "[tls]\ncertificate = \"a.pem\"\nkey_file = \"a.key\"\n";
    let candidate = |name: &str, host: &str| {
        let file = desk.file(
            name,
            &format!("hosts = {host:?}\n[upstream]\nurl = \"http://127.0.0.1:1\"\n{named}"),
        );
        Candidate {
            new: file.tenant().cloned().map_err(Clone::clone),
            last_good: None,
            file,
        }
    };
    let standings = settle(&[candidate("all", "*.example.org"), candidate("one", "www.example.org")]);
    assert!(
        standings
            .iter()
            .all(|standing| standing.state == Current && standing.wrong.is_empty())
    );
    let standings = settle(&[candidate("all", "*.example.org"), candidate("one", "*.EXAMPLE.org")]);
    assert!(standings.iter().all(|standing| standing.state == Absent));
}

/// What was kept of two tenants can overlap, when the edge ended between the writing of one and of the other.
#[test]
fn of_two_that_are_remembered_with_one_host_one_is_served() {
    let standings = Desk::new().settle(&[(before([1]), New::Garbage), (before([1, 2]), New::Garbage)]);
    expect(&standings, [(LastGood, &[1]), (Absent, &[])]);
    assert!(
        standings
            .iter()
            .all(|standing| codes(&standing.wrong).contains(&"host_claimed"))
    );
}

#[test]
fn a_fine_file_goes_before_what_is_remembered_of_the_same_tenant() {
    let standings = Desk::new().settle(&[(before([1]), fine([2])), (None, fine([1]))]);
    expect(&standings, [(Current, &[2]), (Current, &[1])]);
}

fn some_hosts() -> impl Strategy<Value = BTreeSet<u8>> {
    prop::collection::btree_set(0..6_u8, 1..4)
}

fn new() -> impl Strategy<Value = New> {
    prop_oneof![
        4 => some_hosts().prop_map(New::Fine),
        1 => some_hosts().prop_map(New::Faulty),
        1 => Just(New::Garbage),
    ]
}

/// Tenants that run: no host is served by two.
fn running() -> impl Strategy<Value = Vec<Case>> {
    let owners = prop::collection::vec(prop::option::of(0..6_usize), 6);
    (owners, prop::collection::vec(new(), 1..7)).prop_map(|(owners, files)| {
        let owned = |tenant: usize| {
            let hosts = owners.iter().enumerate().filter(|(_, owner)| **owner == Some(tenant));
            let hosts: BTreeSet<u8> = hosts.map(|(host, _)| host as u8).collect();
            (!hosts.is_empty()).then_some(hosts)
        };
        files
            .into_iter()
            .enumerate()
            .map(|(tenant, new)| (owned(tenant), new))
            .collect()
    })
}

/// Tenants after a restart: what is remembered may be anything.
fn restarted() -> impl Strategy<Value = Vec<Case>> {
    prop::collection::vec((prop::option::of(some_hosts()), new()), 1..7)
}

/// Who serves each host; an error when two do.
fn owners(standings: &[Standing]) -> Result<BTreeMap<String, usize>, TestCaseError> {
    let mut owners = BTreeMap::new();
    for (index, standing) in standings.iter().enumerate() {
        prop_assert_eq!(standing.tenant.is_none(), standing.state == Absent);
        prop_assert!(
            standing.state == Current || !standing.wrong.is_empty(),
            "nobody falls without a word"
        );
        for host in served(standing) {
            prop_assert_eq!(owners.insert(host, index), None, "two tenants with one host");
        }
    }
    Ok(owners)
}

/// Another tenant's fine file claims it too, or another tenant is served with it.
fn is_wanted(host: u8, tenant: usize, cases: &[Case], owners: &BTreeMap<String, usize>) -> bool {
    let claims =
        |(index, (_, new)): (usize, &Case)| index != tenant && matches!(new, New::Fine(hosts) if hosts.contains(&host));
    cases.iter().enumerate().any(claims) || owners.get(&name(host)).is_some_and(|owner| *owner != tenant)
}

/// Runs a property on many sets of tenants.
fn for_all(cases: impl Strategy<Value = Vec<Case>>, property: impl Fn(&Desk, Vec<Case>) -> Result<(), TestCaseError>) {
    let desk = Desk::new();
    let mut runner = TestRunner::new(Config::with_source_file(file!()));
    runner.run(&cases, |cases| property(&desk, cases)).unwrap();
}

#[test]
fn no_host_is_lost_taken_or_served_twice() {
    for_all(running(), |desk, cases| {
        let standings = desk.settle(&cases);
        let owners = owners(&standings)?;
        for (index, ((had, new), standing)) in cases.iter().zip(&standings).enumerate() {
            // It keeps every host that it had, unless its own file is in force and gives it up.
            for host in had.iter().flatten() {
                let gives_up = matches!(new, New::Fine(hosts) if !hosts.contains(host)) && standing.state == Current;
                prop_assert!(
                    gives_up || owners.get(&name(*host)) == Some(&index),
                    "host {host} of {index}: {standings:?}"
                );
            }
            // Nobody falls below what it had.
            prop_assert!(had.is_none() || standing.state != Absent);
            // Its file is in force unless that is wrong or somebody else wants one of its hosts.
            if let New::Fine(hosts) = new {
                let wanted = hosts.iter().any(|host| is_wanted(*host, index, &cases, &owners));
                prop_assert!(
                    wanted || (standing.state == Current && standing.wrong.is_empty()),
                    "{index}: {standings:?}"
                );
            } else {
                prop_assert!(standing.state != Current);
            }
        }
        Ok(())
    });
}

#[test]
fn the_order_of_the_files_decides_nothing() {
    for_all(running(), |desk, cases| {
        let candidates = desk.candidates(&cases);
        let forth = outcome(&settle(&candidates));
        let turned: Vec<Candidate> = candidates.into_iter().rev().collect();
        let mut back = outcome(&settle(&turned));
        back.reverse();
        prop_assert_eq!(forth, back);
        Ok(())
    });
}

/// A second reload without a change in between may let somebody move on who waited for another, and takes nothing from
/// anybody.
#[test]
fn what_is_settled_stays_so() {
    for_all(running(), |desk, cases| {
        let mut candidates = desk.candidates(&cases);
        let first = settle(&candidates);
        for (candidate, standing) in candidates.iter_mut().zip(&first) {
            candidate.last_good = standing.tenant.clone();
        }
        let second = settle(&candidates);
        for (one, other) in first.iter().zip(&second) {
            prop_assert!(other.state <= one.state, "{first:?} {second:?}");
        }
        owners(&second).map(drop)
    });
}

#[test]
fn whatever_is_remembered_no_host_is_served_twice() {
    for_all(restarted(), |desk, cases| {
        let standings = desk.settle(&cases);
        owners(&standings)?;
        for ((_, new), standing) in cases.iter().zip(&standings) {
            prop_assert!(matches!(new, New::Fine(_)) || standing.state != Current);
        }
        Ok(())
    });
}

/// A script that forgets to fill in the host writes it into every file.
#[test]
fn five_hundred_files_that_claim_one_host_are_named_in_a_few_words_each() {
    let standings = Desk::new().settle(&vec![(None, fine([1])); 500]);
    for standing in &standings {
        assert_eq!(standing.state, Absent);
        let said = standing.wrong.to_string();
        assert!(
            said.contains("499 other tenants claim the host host-1.localhost too"),
            "{said}"
        );
        assert_eq!(said.matches("claims it here").count(), 3, "{said}");
    }
}

#[test]
fn a_copy_of_a_file_with_many_hosts_is_named_a_hundred_times() {
    let all: BTreeSet<u8> = (0..=255).collect();
    let standings = Desk::new().settle(&[(Some(all.clone()), New::Fine(all.clone())), (None, New::Fine(all))]);
    assert_eq!((standings[0].state, standings[1].state), (Current, Absent));
    assert!(standings.iter().all(|standing| standing.wrong.len() == 100));
}
