//! Two hundred tenants under a steady load, broken one after another in every way that anybody has thought of: nobody else
//! loses a request, changes, or forgets a count, and whoever is broken is served as before and named.

mod breakages;
mod load;
mod said;
mod town;

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use self::breakages::{PAIRS, TEXTS, THINGS, forbid};
use self::load::{Expected, Load};
use self::said::Said;
use self::town::{CERTIFIED, Town, name};
use crate::support::{Running, edge};

const TENANTS: usize = 200;

/// One count for each client, which nobody refills while the test runs.
const DEFAULTS: &str =
    "[defaults.rate_limit]\nmax_keys = 128\n\n[defaults.rate_limit.quotas.client]\nrate = \"9000/d\"\n";

#[test]
fn whatever_happens_to_one_tenants_file_happens_to_nobody_else() {
    let mut trial = Trial::start();
    trial.texts();
    trial.things();
    trial.pairs();
    trial.claims();
    trial.newcomers();
    trial.comings_and_goings();
    trial.a_file_that_changes();
    trial.strays();
    trial.vendors_file();
    trial.restart().end();
}

/// The edge, its files, and those who ask it.
struct Trial {
    edge: Running,
    town: Town,
    load: Option<Load>,
    /// The next tenant that is broken.
    next: usize,
    reloads: usize,
    breakages: usize,
    requests: u64,
    handshakes: u64,
}

impl Trial {
    /// Starts an edge of which every tenant has a development certificate, and gives the first ones their own while it runs.
    fn start() -> Self {
        let mut town = Town::new(TENANTS);
        let mut edge = edge().vendor(DEFAULTS);
        for tenant in 0..TENANTS {
            let development = town.more(tenant);
            let development = development.split("\n[tls]").next().unwrap_or_default();
            edge = edge.tenant(&name(tenant), town.application(tenant), development);
        }
        let edge = edge.start();
        town.directory = edge.directory().to_owned();
        let mut trial = Self {
            edge,
            town,
            load: None,
            next: CERTIFIED,
            reloads: 0,
            breakages: 0,
            requests: 0,
            handshakes: 0,
        };
        for tenant in 0..CERTIFIED {
            trial.town.certify_well(tenant);
            trial.town.write(tenant);
        }
        let said = trial.reload(true);
        let certified: Vec<String> = (0..CERTIFIED).map(name).collect();
        assert_eq!(
            said,
            Said {
                changed: certified,
                unchanged: TENANTS - CERTIFIED,
                ..Said::default()
            }
        );
        trial.ask();
        trial
    }

    /// Begins to ask everybody.
    fn ask(&mut self) {
        let roots = [self.town.root.clone(), fs::read_to_string(self.edge.ca()).unwrap()];
        fs::write(self.town.directory.join("roots.pem"), roots.concat()).unwrap();
        let load = Load::start(self.edge.https_port(), &roots, self.town.tenants());
        load.expected.wait_for(2 * TENANTS as u64);
        self.load = Some(load);
    }

    fn expected(&self) -> &Expected {
        &self.load.as_ref().unwrap().expected
    }

    /// A tenant that was not broken yet, with a development certificate.
    fn victim(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// Reloads, by the command and by SIGHUP in turns, and gives what was said: the log says what the command does.
    fn reload(&mut self, is_clean: bool) -> Said {
        self.reloads += 1;
        let before = self.edge.log().len();
        if self.reloads.is_multiple_of(2) {
            self.edge.signal("HUP");
            return self.logged(before);
        }
        let said = self.edge.rempart(&["reload", "--format", "json"]);
        assert_eq!(said.status, Some(i32::from(!is_clean)), "{said:?}");
        let said = Said::of(&serde_json::from_str(&said.stdout).unwrap(), &self.town);
        assert_eq!(said.wrong, self.logged(before).wrong);
        said
    }

    /// What the log says of the next reload.
    fn logged(&self, before: usize) -> Said {
        let patience = std::time::Instant::now();
        loop {
            let log = self.edge.log();
            let new = &log[before..];
            if new.contains("reloaded: ") {
                return Said::logged(new, &self.town);
            }
            assert!(
                patience.elapsed() < Duration::from_secs(60),
                "no reload in the log:\n{new}"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everybody is in force but these.
    fn standing(&self, others: &[(&str, &str)]) {
        let said = self.edge.rempart(&["tenant", "list", "--format", "json"]);
        let all: Value = serde_json::from_str(&said.stdout).unwrap();
        let mut found = Vec::new();
        for tenant in all.as_array().unwrap() {
            let (name, state) = (tenant["tenant"].as_str().unwrap(), tenant["state"].as_str().unwrap());
            if state != "current" {
                assert!(
                    tenant["since"].is_u64() && !tenant["wrong"].as_array().unwrap().is_empty(),
                    "{tenant}"
                );
                found.push((name, state));
            }
        }
        assert_eq!(found, others);
    }

    /// What is wrong now, and that nothing else has happened. Files are those of tenants.
    fn expect_wrong(&mut self, what: &str, wrong: &[(&str, Option<usize>, &str)], states: &[(&str, &str)]) {
        self.breakages += 1;
        let mut said = self.reload(false);
        // Of several mistakes of one kind in one file, the first.
        said.wrong
            .dedup_by(|later, first| (&later.0, &later.2) == (&first.0, &first.2));
        let named = wrong
            .iter()
            .map(|(tenant, line, code)| (format!("tenants.d/{tenant}.toml"), *line, (*code).to_owned()));
        let expected = Said {
            unchanged: TENANTS,
            wrong: named.collect(),
            ..Said::default()
        };
        assert_eq!(said, expected, "{what}");
        self.standing(states);
        self.expected().wait_for(REQUESTS);
    }

    /// A tenant's file in one of its broken forms: it is named, and served as before.
    fn expect_last_good(&mut self, what: &str, tenant: usize, line: Option<usize>, code: &str) {
        let name = name(tenant);
        self.expect_wrong(what, &[(&name, line, code)], &[(&name, "last_good")]);
        self.expect_version(tenant);
    }

    /// A client that is not ours finds the version that was in force.
    fn expect_version(&self, tenant: usize) {
        let roots = self.town.directory.join("roots.pem");
        let found = self
            .edge
            .curl(&name(tenant), "/", &["--cacert", roots.to_str().unwrap()]);
        assert_eq!((found.status, found.body), (200, name(tenant)));
        let hsts = found
            .headers
            .iter()
            .find(|(name, _)| name == "strict-transport-security");
        assert!(
            hsts.unwrap()
                .1
                .starts_with(&format!("max-age={}", self.town.version(tenant))),
            "{hsts:?}"
        );
    }

    /// Writes the next version of a tenant's file, as it should be: it is in force.
    fn mend(&mut self, tenant: usize) {
        let version = self.town.raise(tenant);
        self.expected().may_become(tenant, version);
        self.town.write(tenant);
        self.expect_changed(&[tenant]);
        self.expected().is(tenant, version);
        self.expect_version(tenant);
    }

    /// Everything is right, and these alone have changed.
    fn expect_changed(&mut self, tenants: &[usize]) {
        let expected = Said {
            changed: tenants.iter().map(|tenant| name(*tenant)).collect(),
            unchanged: TENANTS - tenants.len(),
            ..Said::default()
        };
        assert_eq!(self.reload(true), expected);
    }

    fn texts(&mut self) {
        for (what, text, code, line) in TEXTS {
            let victim = self.victim();
            fs::write(self.town.path(victim), text(self.town.text(victim))).unwrap();
            self.expect_last_good(what, victim, *line, code);
            self.mend(victim);
        }
        // What looks odd and is right: nothing is wrong, and nothing changes.
        for right in [
            self.town.text(self.next).replace('\n', "\r\n"),
            format!("\u{feff}{}", self.town.text(self.next)),
        ] {
            fs::write(self.town.path(self.next), right).unwrap();
            self.expect_changed(&[]);
        }
    }

    #[expect(clippy::print_stdout, reason = "a test that leaves something out says so")]
    fn things(&mut self) {
        for (what, make, code) in THINGS {
            let victim = self.victim();
            fs::remove_file(self.town.path(victim)).unwrap();
            make(&self.town.path(victim));
            self.expect_last_good(what, victim, None, code);
            self.mend(victim);
        }
        let victim = self.victim();
        if forbid(&self.town.path(victim)) {
            self.expect_last_good("a file that must not be read", victim, None, "file_unreadable");
        } else {
            println!("SKIPPED: a file that must not be read. This account reads everything.");
        }
        self.mend(victim);
    }

    fn pairs(&mut self) {
        for (tenant, (what, spoil, code, line)) in PAIRS.iter().enumerate() {
            spoil(&self.town, tenant);
            self.expect_last_good(what, tenant, Some(*line), code);
            self.town.certify_well(tenant);
            self.mend(tenant);
        }
        // A certificate that is renewed while the file stays.
        self.town.certify_well(0);
        self.expect_changed(&[0]);
        self.expect_version(0);
        // And one while the file is broken: it does not expire for a typing error.
        fs::write(self.town.path(0), self.town.text(0) + "[fire_wall]\n").unwrap();
        self.expect_last_good("a typing error", 0, Some(12), "unknown_key");
        self.town.certify_well(0);
        let said = self.reload(false);
        assert_eq!((said.changed, said.unchanged), (vec![name(0)], TENANTS - 1));
        self.expect_version(0);
        self.mend(0);
    }

    fn claims(&mut self) {
        let (owner, intruder) = (self.victim(), self.victim());
        let (owns, wants) = (name(owner), name(intruder));
        let both = [
            (owns.as_str(), Some(1), "host_claimed"),
            (wants.as_str(), Some(1), "host_claimed"),
        ];
        let text = self.town.text_for(intruder, &[wants.clone(), owns.clone()]);
        fs::write(self.town.path(intruder), &text).unwrap();
        self.expect_wrong("another's host", &both, &[(&wants, "last_good")]);
        self.expect_version(owner);
        self.expect_version(intruder);
        // The owner's file breaks as well: nobody inherits its host.
        fs::write(self.town.path(owner), "hosts = [\n").unwrap();
        let said = [both[0], (owns.as_str(), Some(1), "syntax"), both[1]];
        self.expect_wrong(
            "the host of a broken one",
            &said,
            &[(&owns, "last_good"), (&wants, "last_good")],
        );
        self.expect_version(owner);
        self.town.write(owner);
        self.town.write(intruder);
        self.expect_changed(&[]);
        // Two that have hosts of their own want a third.
        for tenant in [owner, intruder] {
            fs::write(
                self.town.path(tenant),
                self.town.text_for(tenant, &[name(tenant), "third".into()]),
            )
            .unwrap();
        }
        self.expect_wrong(
            "a host that two want",
            &both,
            &[(&owns, "last_good"), (&wants, "last_good")],
        );
        self.town.write(owner);
        self.town.write(intruder);
        self.expect_changed(&[]);
    }

    /// New tenants are absent while their files are broken, and there when they are mended.
    fn newcomers(&mut self) {
        let text = |host: &str, town: &Town| town.text_for(CERTIFIED, &[host.to_owned()]);
        fs::write(self.town.file("new"), "hosts = [").unwrap();
        self.expect_wrong("a broken newcomer", &[("new", Some(1), "syntax")], &[("new", "absent")]);
        for new in ["new", "newer"] {
            fs::write(self.town.file(new), text("new", &self.town)).unwrap();
        }
        let both = [("new", Some(1), "host_claimed"), ("newer", Some(1), "host_claimed")];
        self.expect_wrong(
            "newcomers that want one host",
            &both,
            &[("new", "absent"), ("newer", "absent")],
        );
        let old = name(self.victim());
        fs::write(self.town.file("new"), text(&old, &self.town)).unwrap();
        fs::remove_file(self.town.file("newer")).unwrap();
        let both = [
            ("new", Some(1), "host_claimed"),
            (old.as_str(), Some(1), "host_claimed"),
        ];
        self.expect_wrong("a newcomer that wants another's host", &both, &[("new", "absent")]);
        fs::write(self.town.file("new"), text("new", &self.town)).unwrap();
        let added = Said {
            added: vec!["new".into()],
            unchanged: TENANTS,
            ..Said::default()
        };
        assert_eq!(self.reload(true), added);
        fs::remove_file(self.town.file("new")).unwrap();
        let removed = Said {
            removed: vec!["new".into()],
            unchanged: TENANTS,
            ..Said::default()
        };
        assert_eq!(self.reload(true), removed);
    }

    /// A file that is deleted is a tenant that is gone, on purpose; and two that exchange their hosts do it in one step.
    fn comings_and_goings(&mut self) {
        let (gone, other) = (self.victim(), self.victim());
        self.expected().leaves_or_returns(gone);
        fs::remove_file(self.town.path(gone)).unwrap();
        let removed = Said {
            removed: vec![name(gone)],
            unchanged: TENANTS - 1,
            ..Said::default()
        };
        assert_eq!(self.reload(true), removed);
        self.expected().wait_for(REQUESTS);
        self.town.write(gone);
        let added = Said {
            added: vec![name(gone)],
            unchanged: TENANTS - 1,
            ..Said::default()
        };
        assert_eq!(self.reload(true), added);
        self.expected().leaves_or_returns(gone);
        self.expect_version(gone);
        // Their clients find the other one's application for a while, which is meant.
        for tenant in [gone, other] {
            self.expected().leaves_or_returns(tenant);
        }
        fs::write(self.town.path(gone), self.town.text_for(gone, &[name(other)])).unwrap();
        fs::write(self.town.path(other), self.town.text_for(other, &[name(gone)])).unwrap();
        self.expect_changed(&[gone, other]);
        for (asked, answers) in [(gone, other), (other, gone)] {
            assert_eq!(self.edge.get(&name(asked), "/").body, name(answers));
        }
        self.town.write(gone);
        self.town.write(other);
        self.expect_changed(&[gone, other]);
        for tenant in [gone, other] {
            self.expected().leaves_or_returns(tenant);
        }
    }

    /// One that is written over and over: it is never served half.
    fn a_file_that_changes(&mut self) {
        let victim = self.victim();
        let (old, new) = (self.town.text(victim), self.town.raise(victim));
        let texts = [old, self.town.text(victim)];
        self.expected().may_become(victim, new);
        let (path, done) = (self.town.path(victim), AtomicBool::new(false));
        thread::scope(|threads| {
            threads.spawn(|| {
                let file = fs::File::options().write(true).open(path).unwrap();
                for text in texts.iter().cycle() {
                    file.write_all_at(text.as_bytes(), 0).unwrap();
                    if done.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
            for _ in 0..4 {
                self.breakages += 1;
                let before = self.edge.log().len();
                self.edge.signal("HUP");
                let said = self.logged(before);
                let is_named =
                    said.wrong == [(format!("tenants.d/{}.toml", name(victim)), None, "file_changing".into())];
                // Whoever writes it may have been made to wait for long enough.
                assert!(is_named || said.wrong.is_empty(), "{said:?}");
                assert!(said.changed.is_empty() || said.changed == [name(victim)], "{said:?}");
                self.expected().wait_for(REQUESTS);
            }
            done.store(true, Ordering::SeqCst);
        });
        self.town.write(victim);
        let said = self.reload(true);
        assert!(said.wrong.is_empty() && said.unchanged >= TENANTS - 1, "{said:?}");
        self.expected().is(victim, new);
        self.expect_version(victim);
    }

    /// A file that can be no tenant's.
    fn strays(&mut self) {
        let stray = self.town.file("Not Valid");
        fs::write(&stray, self.town.text_for(CERTIFIED, &["stray".into()])).unwrap();
        self.expect_wrong("a name that no tenant has", &[("Not Valid", None, "tenant_name")], &[]);
        fs::remove_file(stray).unwrap();
        self.expect_changed(&[]);
    }

    /// While the vendor's file is wrong, nothing changes at all.
    fn vendors_file(&mut self) {
        let right = fs::read_to_string(self.town.vendors_file()).unwrap();
        let lines = right.lines().count();
        for (what, wrong, line, code) in [
            (
                "a vendor's file that does not parse",
                right.clone() + "[listen\n",
                lines + 1,
                "syntax",
            ),
            (
                "an unknown key of the vendor",
                right.clone() + "[listn]\n",
                lines + 1,
                "unknown_key",
            ),
            (
                "a wrong listener",
                right.replace("http = \"127.0.0.1:0\"", "http = \"localhost\""),
                3,
                "address_invalid",
            ),
            (
                "a wrong default",
                right.clone() + "[defaults.upstream]\nresponse_timeout = \"7\"\n",
                lines + 2,
                "duration_ambiguous",
            ),
            (
                "an unknown default",
                right.clone() + "[defaults.nothing]\n",
                lines + 1,
                "unknown_key",
            ),
            (
                "a host for everybody",
                right.replace(
                    "[defaults.rate_limit]",
                    "[defaults]\nhosts = \"a.localhost\"\n[defaults.rate_limit]",
                ),
                lines - 4,
                "unknown_key",
            ),
        ] {
            self.breakages += 1;
            let victim = self.victim();
            fs::write(self.town.vendors_file(), wrong).unwrap();
            let version = self.town.raise(victim);
            self.town.write(victim);
            let said = self.reload(false);
            let expected = [("rempart.toml".to_owned(), Some(line), code.to_owned())];
            assert_eq!(
                said,
                Said {
                    wrong: expected.into(),
                    ..Said::default()
                },
                "{what}"
            );
            self.standing(&[]);
            self.expected().wait_for(REQUESTS);
            self.expected().may_become(victim, version);
            fs::write(self.town.vendors_file(), &right).unwrap();
            self.expect_changed(&[victim]);
            self.expected().is(victim, version);
        }
        fs::remove_file(self.town.vendors_file()).unwrap();
        assert_eq!(
            self.reload(false).wrong,
            [("rempart.toml".to_owned(), None, "file_unreadable".to_owned())]
        );
        fs::write(self.town.vendors_file(), &right).unwrap();
        self.expect_changed(&[]);
    }

    /// An edge that starts with ten broken files serves the ten as before.
    fn restart(mut self) -> Self {
        let plain: Vec<usize> = (0..6).map(|_| self.victim()).collect();
        let certified: Vec<usize> = (0..4).collect();
        for ((_, text, ..), tenant) in TEXTS.iter().zip(&plain[..3]) {
            fs::write(self.town.path(*tenant), text(self.town.text(*tenant))).unwrap();
        }
        for ((_, make, _), tenant) in THINGS.iter().zip(&plain[3..]) {
            fs::remove_file(self.town.path(*tenant)).unwrap();
            make(&self.town.path(*tenant));
        }
        for ((_, spoil, ..), tenant) in PAIRS.iter().zip(&certified) {
            spoil(&self.town, *tenant);
        }
        let all: Vec<usize> = certified.into_iter().chain(plain).collect();
        let names: Vec<String> = all.iter().map(|tenant| name(*tenant)).collect();
        let states: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "last_good")).collect();
        let before = self.reload(false);
        assert_eq!((before.wrong.len(), before.unchanged), (10, TENANTS));
        self.standing(&states);
        self.pause();
        self.edge = self.edge.restart();
        self.standing(&states);
        self.ask();
        all.iter().for_each(|tenant| self.expect_version(*tenant));
        // Nothing was found that was not known before.
        let again = self.reload(false);
        assert_eq!((again.wrong, again.unchanged), (before.wrong, TENANTS));
        for tenant in &all {
            if *tenant < CERTIFIED {
                self.town.certify_well(*tenant);
            }
            let version = self.town.raise(*tenant);
            self.expected().may_become(*tenant, version);
            self.town.write(*tenant);
        }
        self.expect_changed(&all);
        for tenant in &all {
            self.expected().is(*tenant, self.town.version(*tenant));
            self.expect_version(*tenant);
        }
        self.breakages += all.len();
        self.standing(&[]);
        self
    }

    /// Stops asking, and wants everything to have been as it must be.
    fn pause(&mut self) {
        self.expected().wait_for(2 * TENANTS as u64);
        let expected = self.load.take().unwrap().stop();
        let tally = &expected.tally;
        let bad =
            [&tally.failed, &tally.foreign, &tally.changed, &tally.forgotten].map(|count| count.load(Ordering::SeqCst));
        assert_eq!(bad, [0; 4], "failed, foreign, changed, forgotten: {:#?}", tally.said());
        self.requests += tally.requests.load(Ordering::SeqCst);
        self.handshakes += tally.handshakes.load(Ordering::SeqCst);
    }

    #[expect(clippy::print_stdout, reason = "the numbers are what the test is for")]
    fn end(mut self) {
        self.pause();
        println!(
            "{TENANTS} tenants, {} breakages, {} reloads; {} requests over {} connections: \
             0 failed, 0 answered by another application, 0 by another version, 0 with a count begun anew; \
             every breakage named with its file, and its line where it has one",
            self.breakages, self.reloads, self.requests, self.handshakes
        );
        assert!(!self.edge.log().contains("panicked"));
    }
}

/// How many requests are answered between one breakage and the next, at least.
const REQUESTS: u64 = 60;
