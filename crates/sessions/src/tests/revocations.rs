use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::site::{Browser, HOUR, Site, settings};
use crate::{Revocation, Which};

/// Two nodes before one application, with one clock. What ends at the first is told to the second when it is delivered.
struct Nodes {
    first: Site,
    second: Site,
    told: Arc<Mutex<Vec<String>>>,
    /// How often the second has told of something itself.
    echoes: Arc<AtomicUsize>,
}

impl Nodes {
    fn new() -> Self {
        let (first, told) = (Site::new(settings()), Arc::new(Mutex::new(Vec::new())));
        let second = first.another_node();
        let log = Arc::clone(&told);
        first.sessions.tell(move |revocation| {
            log.lock().unwrap().push(serde_json::to_string(&revocation).unwrap());
        });
        let echoes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&echoes);
        second.sessions.tell(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        Self {
            first,
            second,
            told,
            echoes,
        }
    }

    fn deliver(&self) {
        let before = self.echoes.load(Ordering::SeqCst);
        for told in self.told.lock().unwrap().drain(..) {
            let revocation: Revocation = serde_json::from_str(&told).unwrap();
            self.second.sessions.hear(&revocation);
            self.second.sessions.hear(&revocation);
        }
        let echoes = self.echoes.load(Ordering::SeqCst) - before;
        assert_eq!(echoes, 0, "what is heard is not told again");
    }

    /// Somebody who is known at both nodes.
    fn patron(&self, account: &str) -> Browser {
        let mut patron = Browser::default();
        self.first.get(&mut patron, "/");
        self.first
            .post(&mut patron, &format!("/login?as={account}&account={account}"));
        assert!(self.first.knows(&mut patron) && self.second.knows(&mut patron));
        self.deliver();
        patron
    }
}

#[test]
fn who_logs_out_at_one_node_is_out_at_the_other() {
    let nodes = Nodes::new();
    let mut patron = nodes.patron("17");
    let copy = patron.clone();
    nodes.first.get(&mut patron, "/logout");
    assert!(nodes.second.knows(&mut copy.clone()), "not before it is told");
    nodes.deliver();
    assert!(!nodes.second.knows(&mut copy.clone()));
}

#[test]
fn a_number_that_a_login_has_replaced_is_none_at_the_other_node() {
    let nodes = Nodes::new();
    let mut patron = Browser::default();
    nodes.first.get(&mut patron, "/");
    let mut before = patron.clone();
    nodes.first.post(&mut patron, "/login?as=17");
    nodes.deliver();
    assert_eq!(nodes.second.get(&mut before, "/").seen, "lang=fr");
    assert!(nodes.second.knows(&mut patron));
}

#[test]
fn kills_by_number_by_account_and_of_all_reach_the_other_node() {
    for which in [Which::Number(String::new()), Which::Account("17".into()), Which::All] {
        let nodes = Nodes::new();
        let (mut patron, mut other) = (nodes.patron("17"), nodes.patron("18"));
        let kill = match which {
            Which::Number(_) => Which::Number(patron.id().to_string()),
            ref which => which.clone(),
        };
        nodes.first.sessions.kill(&kill).unwrap();
        nodes.deliver();
        assert!(!nodes.second.knows(&mut patron), "{which:?}");
        assert_eq!(nodes.second.knows(&mut other), which != Which::All, "{which:?}");
    }
}

#[test]
fn what_is_heard_late_ends_nothing_that_began_since() {
    let nodes = Nodes::new();
    nodes.patron("17");
    nodes.first.sessions.kill(&Which::All).unwrap();
    nodes.first.wait(2);
    let mut later = nodes.second.logged_in("17");
    nodes.deliver();
    assert!(nodes.second.knows(&mut later));
}

#[test]
fn a_clock_that_is_ahead_ends_nothing_that_has_yet_to_begin() {
    let nodes = Nodes::new();
    let patron = nodes.patron("17");
    let ahead = format!(r#"{{"at":{},"what":"all"}}"#, super::site::BEGIN + HOUR * 1_000);
    nodes.second.sessions.hear(&serde_json::from_str(&ahead).unwrap());
    assert!(!nodes.second.knows(&mut patron.clone()));
    nodes.second.wait(2);
    assert!(nodes.second.knows(&mut nodes.second.logged_in("17")));
}

#[test]
fn what_is_no_revocation_is_refused_and_what_names_nobody_ends_nobody() {
    for wrong in [
        "",
        "{}",
        r#"{"at":1}"#,
        r#"{"at":-1,"what":"all"}"#,
        r#"{"at":1,"what":"everything"}"#,
        r#"{"at":1,"what":"all","who":"me"}"#,
    ] {
        assert!(serde_json::from_str::<Revocation>(wrong).is_err(), "{wrong}");
    }
    let nodes = Nodes::new();
    let mut patron = nodes.patron("17");
    for nobody in [
        r#"{"id":"0a","why":"killed"}"#,
        r#"{"id":"00000000000000000000000000000000","why":"bored"}"#,
    ] {
        let told = format!(r#"{{"at":{},"what":{{"session":{nobody}}}}}"#, super::site::BEGIN);
        nodes.second.sessions.hear(&serde_json::from_str(&told).unwrap());
    }
    assert!(nodes.second.knows(&mut patron));
}
