//! All that a request is asked: five quotas of its client, charged to all or to none.

use http::{Request, Response, request, response};
use rempart_guard::{ClientAddr, Downstream, Findings, RequestIds, Verdict, WaitingGuard};
use rempart_rate_limit::{Passed, RateLimit, RateLimitPolicy, RateLimitSettings};

use crate::counts::{Ours, RATE, governor};
use crate::rounds::{Case, Random, compare};

pub(crate) fn five_quotas() {
    let routes = [
        "",
        "",
        "",
        "routes = [\"/login\", \"/api/*\"]",
        "routes = [\"GET /api/{kind}\"]",
    ];
    let without_routes = Decision::new(false, [""; 5]);
    let (untold, mut told, answered) = (
        Decision::new(false, routes),
        Decision::new(true, routes),
        Decision::new(true, routes),
    );
    compare(
        &format!("five quotas of one request, {CLIENTS} clients (aim 500 ns)"),
        &mut [
            of_governor(),
            of_counts(),
            answered_by("RateLimit without routes, headers off", without_routes),
            answered_by("RateLimit, two with routes, headers off", untold),
            (
                "the same, headers on, without the answer".into(),
                Box::new(move || drop(told.check(&mut Findings::default()))),
            ),
            answered_by("the same, headers on, with the answer", answered),
        ],
    );
}

const CLIENTS: u64 = 1_000;

fn of_governor() -> Case {
    let (governors, mut random) = ([(); 5].map(|()| governor()), Random(1));
    let run = move || {
        let client = random.client(CLIENTS);
        assert!(governors.iter().all(|governor| governor.check_key(&client).is_ok()));
    };
    ("governor, one after the other".into(), Box::new(run))
}

fn of_counts() -> Case {
    let (ours, mut random) = (Ours::new(5, 4_000), Random(1));
    ours.fill(CLIENTS);
    let run = move || assert!(ours.passes(random.client(CLIENTS)));
    ("the counts alone, all or none".into(), Box::new(run))
}

fn answered_by(name: &str, mut decision: Decision) -> Case {
    (name.into(), Box::new(move || decision.run()))
}

/// A guard, and a request that comes from one client after the other.
struct Decision {
    limit: RateLimit,
    head: request::Parts,
    answer: response::Parts,
    random: Random,
}

impl Decision {
    fn new(headers: bool, scopes: [&str; 5]) -> Self {
        let quotas = scopes.iter().enumerate();
        let quotas = quotas.map(|(index, scope)| format!("[quotas.q{index}]\nrate = \"{RATE}\"\n{scope}\n"));
        let text = format!("headers = {headers}\nmax_keys = 4000\n{}", quotas.collect::<String>());
        let settings: RateLimitSettings = toml::from_str(&text).unwrap();
        let (mut head, ()) = Request::get("/api/search?q=x").body(()).unwrap().into_parts();
        head.extensions.insert(Downstream {
            client: ClientAddr::new([192, 0, 2, 1].into()),
            request: RequestIds::new().next_id(),
        });
        Self {
            limit: RateLimit::new(RateLimitPolicy::try_from(settings).unwrap()),
            head,
            answer: Response::new(()).into_parts().0,
            random: Random(1),
        }
    }

    /// From the check of the request to its answer.
    fn run(&mut self) {
        let mut findings = Findings::default();
        let passed = self.check(&mut findings);
        self.limit.amend(passed, &mut self.answer, &mut findings);
        self.answer.headers.clear();
    }

    fn check(&mut self, findings: &mut Findings) -> Passed {
        let client = self.random.client(CLIENTS).to_be_bytes();
        self.head.extensions.get_mut::<Downstream>().unwrap().client = ClientAddr::new(client.into());
        match self.limit.check(&mut self.head, findings) {
            Verdict::Now(Ok(passed)) => passed,
            _ => panic!("it is refused, or waits"),
        }
    }
}
