//! What nodes tell each other.

#![allow(clippy::unwrap_used)]

mod server;

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};

use rempart_redis::{TellError, Told};
use server::{Node, Server, until};

/// What a node hears from now on.
fn heard_by(node: &Node) -> Receiver<Told> {
    let (sender, receiver) = channel();
    let hear = move |told: &Told| drop(sender.send(told.clone()));
    node.state.listen(hear).unwrap();
    receiver
}

fn next(heard: &Receiver<Told>, within: Duration) -> (String, String, String) {
    let told = heard.recv_timeout(within).expect("it should be heard");
    (told.tenant, told.topic, String::from_utf8(told.body).unwrap())
}

fn said(body: &str) -> (String, String, String) {
    ("daycare".to_owned(), "kill".to_owned(), body.to_owned())
}

const IN_TIME: Duration = Duration::from_secs(2);
const AFTER_AN_OUTAGE: Duration = Duration::from_secs(20);

#[test]
fn what_one_node_tells_all_others_hear_once_and_in_order() {
    let server = Server::start();
    let nodes = [(); 3].map(|()| Node::of(&server));
    let heard = nodes.each_ref().map(heard_by);
    for number in 0..600 {
        nodes[0]
            .state
            .tell("daycare", "kill", number.to_string().as_bytes())
            .unwrap();
    }
    for heard in &heard[1..] {
        for number in 0..600 {
            assert_eq!(next(heard, IN_TIME), said(&number.to_string()));
        }
    }
    nodes[1].state.tell("daycare", "kill", b"last").unwrap();
    assert_eq!(
        next(&heard[0], IN_TIME),
        said("last"),
        "and a node does not hear itself"
    );
    assert_eq!(next(&heard[2], IN_TIME), said("last"));
    assert!(heard.iter().all(|heard| heard.try_recv().is_err()));
}

#[test]
fn who_comes_later_hears_what_was_told_before_and_when() {
    let server = Server::start();
    let before = SystemTime::now() - Duration::from_secs(1);
    Node::of(&server)
        .state
        .tell("daycare", "kill", &[0, 255, b'\n'])
        .unwrap();
    until("it is told", || server.cli(&["XLEN", "rempart:told"]) == "1");
    let told = heard_by(&Node::of(&server)).recv_timeout(IN_TIME).unwrap();
    assert_eq!(told.body, [0, 255, b'\n']);
    assert!(told.at > before && told.at < SystemTime::now() + Duration::from_secs(1));
    let rest: u64 = server.cli(&["PTTL", "rempart:told"]).parse().unwrap();
    assert!(rest > 86_000_000 && rest <= 86_400_000, "{rest}");
}

#[test]
fn what_is_told_while_the_store_is_away_is_heard_when_it_is_back_and_nothing_twice() {
    let mut server = Server::start();
    let nodes = [(); 2].map(|()| Node::of(&server));
    let heard = heard_by(&nodes[1]);
    nodes[0].state.tell("daycare", "kill", b"one").unwrap();
    assert_eq!(next(&heard, IN_TIME), said("one"));
    server.kill();
    nodes[0].state.tell("daycare", "kill", b"two").unwrap();
    server.start_again();
    assert_eq!(next(&heard, AFTER_AN_OUTAGE), said("two"));
    server.stall();
    nodes[0].state.tell("daycare", "kill", b"three").unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    server.go_on();
    assert_eq!(next(&heard, AFTER_AN_OUTAGE), said("three"));
    nodes[0].state.tell("daycare", "kill", b"four").unwrap();
    assert_eq!(next(&heard, AFTER_AN_OUTAGE), said("four"), "nothing was heard twice");
}

#[test]
fn the_store_keeps_ten_thousand_messages_and_a_node_a_thousand() {
    let mut server = Server::start();
    let node = Node::of(&server);
    node.state.tell("daycare", "kill", b"first").unwrap();
    until("it is told", || server.cli(&["XLEN", "rempart:told"]) == "1");
    let fill = "for i = 1, 10500 do redis.call('XADD', KEYS[1], '*', 'i', 'x' .. i, 't', '', 'p', '', 'b', '') end";
    server.cli(&["EVAL", fill, "1", "rempart:told"]);
    node.state.tell("daycare", "kill", b"second").unwrap();
    until("it is cut", || server.cli(&["XLEN", "rempart:told"]) == "10000");
    server.kill();
    let refused = (0..5_000).find_map(|_| node.state.tell("daycare", "kill", b"").err());
    assert!(matches!(refused, Some(TellError::TooMany)), "{refused:?}");
}
