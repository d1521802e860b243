//! Many requests as the arguments of one script call, and its answer as theirs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use redis::{Cmd, Value};
use rempart_counts::{SharedAsk, SharedStanding};

use crate::arithmetic::{Step, Unit};
use crate::script::Script;

/// What one request asks.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What all keys of its tenant begin with.
    pub(crate) tenant: Arc<str>,
    pub(crate) asks: Vec<SharedAsk>,
    /// Whether somebody waits for what becomes of it.
    pub(crate) is_waited_for: bool,
}

/// One script call.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    keys: Vec<String>,
    units: Vec<Unit>,
    places: HashMap<String, usize>,
    requests: Vec<Encoded>,
}

#[derive(Debug)]
struct Encoded {
    is_waited_for: bool,
    steps: Vec<(usize, Step)>,
}

impl Batch {
    pub(crate) fn of<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Self {
        let mut batch = Self::default();
        for request in requests {
            batch.push(request);
        }
        batch
    }

    fn push(&mut self, request: &Request) {
        let step = |ask: &SharedAsk| (self.place(&request.tenant, ask), Step::of(ask));
        let steps = request.asks.iter().map(step).collect();
        self.requests.push(Encoded {
            is_waited_for: request.is_waited_for,
            steps,
        });
    }

    /// The command, by the server's clock, or by a time in microseconds since 1970.
    pub(crate) fn command(&self, script: Script, now: Option<u64>) -> Cmd {
        let mut command = script.command(self.keys.len());
        for key in &self.keys {
            command.arg(key);
        }
        match now {
            Some(now) => command.arg(now),
            None => command.arg(""),
        };
        for unit in &self.units {
            command.arg(unit.scale);
        }
        for request in &self.requests {
            let asks = request.steps.len().cast_signed();
            command.arg(if request.is_waited_for { asks } else { -asks });
            for (place, step) in &request.steps {
                command.arg(place + 1);
                match step.refuses_above {
                    Some(debt) => command.arg(debt),
                    None => command.arg("-"),
                };
                command.arg(step.adds).arg(step.most);
            }
        }
        command
    }

    /// What became of those that are waited for, in order. `None` when this is no answer to this batch.
    pub(crate) fn answers(&self, value: Value) -> Option<Vec<Vec<SharedStanding>>> {
        let numbers: Vec<i64> = redis::from_redis_value(value).ok()?;
        let mut numbers = numbers.into_iter();
        let waited_for = self.requests.iter().filter(|request| request.is_waited_for);
        let mut answers = Vec::new();
        for request in waited_for {
            let standing = |(place, _): &(usize, Step)| numbers.next().map(|number| self.standing(*place, number));
            answers.push(request.steps.iter().map(standing).collect::<Option<_>>()?);
        }
        numbers.next().is_none().then_some(answers)
    }

    fn standing(&self, place: usize, number: i64) -> SharedStanding {
        let is_refused = number < 0;
        let debt = if is_refused { -1 - number } else { number };
        SharedStanding {
            is_refused,
            full_in: self.units[place].duration(debt.cast_unsigned()),
        }
    }

    fn place(&mut self, tenant: &str, ask: &SharedAsk) -> usize {
        let key = key(tenant, ask);
        *self.places.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            self.units.push(Unit::of(ask.rate));
            self.keys.len() - 1
        })
    }
}

/// What all keys of a tenant begin with. What stands in braces decides in which part of a cluster a key is (Redis Cluster
/// specification, *Hash tags*), so all of a tenant are in one.
pub(crate) fn of_tenant(prefix: &str, tenant: &str) -> Arc<str> {
    let mut key = format!("{prefix}:{{");
    escape(&mut key, tenant);
    key.push_str("}:");
    key.into()
}

fn key(tenant: &str, ask: &SharedAsk) -> String {
    let mut key = String::with_capacity(tenant.len() + ask.limit.len() + 64);
    key.push_str(tenant);
    escape(&mut key, &ask.limit);
    let (rate, bits) = (ask.rate, ask.key.bits());
    write!(
        key,
        ":{}-{}s-{}:{bits:032x}",
        rate.count(),
        rate.period().as_secs(),
        rate.burst()
    )
    .expect("a string takes all that is written");
    key
}

/// Names are made of harmless letters. Should one not be, it must not run into what stands beside it.
fn escape(key: &mut String, name: &str) {
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => key.push(char::from(byte)),
            _ => write!(key, "%{byte:02x}").expect("a string takes all that is written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rempart_counts::{Key, Operation};

    use super::*;

    fn ask(limit: &str, key: u128) -> SharedAsk {
        SharedAsk {
            limit: limit.into(),
            rate: "5/15m burst 3".parse().unwrap(),
            key: Key::new(key),
            cost: 1,
            operation: Operation::Look,
        }
    }

    fn request(asks: Vec<SharedAsk>, is_waited_for: bool) -> Request {
        Request {
            tenant: of_tenant("rempart", "daycare"),
            asks,
            is_waited_for,
        }
    }

    #[test]
    fn a_key_says_whose_it_is_and_of_which_limit_and_rate() {
        assert_eq!(
            key(&of_tenant("rempart", "daycare"), &ask("login", 0xcafe)),
            "rempart:{daycare}:login:5-900s-3:0000000000000000000000000000cafe"
        );
    }

    #[test]
    fn no_name_runs_into_another() {
        let keys = [("a}:b", "c"), ("a", "b:c"), ("a", "b"), ("a%7d", "c"), ("a}", "c")]
            .map(|(tenant, limit)| key(&of_tenant("rempart", tenant), &ask(limit, 1)));
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
        assert!(keys[0].starts_with("rempart:{a%7d%3ab}:c:"), "{keys:?}");
    }

    #[test]
    fn a_key_that_many_ask_for_is_sent_once() {
        let one = request(vec![ask("client", 1), ask("login", 1)], true);
        let other = request(vec![ask("client", 1)], true);
        assert_eq!(Batch::of([&one, &other, &one]).keys.len(), 2);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_none() {
        let waited = request(vec![ask("client", 1), ask("login", 1)], true);
        let quiet = request(vec![ask("client", 2)], false);
        let batch = Batch::of([&quiet, &waited]);
        let answer = |numbers: &[i64]| {
            let numbers = numbers.iter().map(|number| Value::Int(*number)).collect();
            batch.answers(Value::Array(numbers))
        };
        let standing = |is_refused, full_in| SharedStanding {
            is_refused,
            full_in: Duration::from_nanos(full_in),
        };
        assert_eq!(
            answer(&[7, -1]),
            Some(vec![vec![standing(false, 7), standing(true, 0)]])
        );
        assert_eq!(answer(&[7]), None);
        assert_eq!(answer(&[7, 8, 9]), None);
        assert_eq!(batch.answers(Value::Okay), None);
    }
}
