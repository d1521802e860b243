//! One limit in two places of a stack.

use rempart_guard::{Guard, GuardLayer, NoDownstream, WaitingGuardLayer};
use tower::util::BoxCloneSyncService;

use super::*;

const SESSIONS: &str = "[quotas.client]\nrate = \"9/h\"\n[quotas.person]\nrate = \"3/h\"\nper = \"session\"";

/// What stands between the two: it refuses what begins with `/no`.
struct Between;

impl Guard for Between {
    const FEATURE: &'static str = "between";
    type Ticket = ();
    type Refusal = NoDownstream;

    fn check(&self, head: &mut http::request::Parts, _: &mut Findings) -> Result<(), NoDownstream> {
        match head.uri.path().starts_with("/no") {
            true => Err(NoDownstream),
            false => Ok(()),
        }
    }
}

type Stack = BoxCloneSyncService<Request<()>, Response<Full<Bytes>>, Infallible>;

/// A stack, and the codes that it tells.
fn stack(site: &Site) -> (Stack, Arc<Mutex<Vec<&'static str>>>) {
    let enforcement = site.limit.policy().enforcement();
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let sink = move |decision: Decision| log.lock().unwrap().push(decision.code);
    let reporter = Reporter::new("library", Arc::new(sink));
    let below = site.limit.below();
    let stack = ServiceBuilder::new()
        .layer(WaitingGuardLayer::new(
            site.limit.above(),
            enforcement,
            reporter.clone(),
        ))
        .layer(GuardLayer::new(Between, Enforcement::Enforce, Reporter::silent()))
        .option_layer(below.map(|below| WaitingGuardLayer::new(below, enforcement, reporter)))
        .service(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    (BoxCloneSyncService::new(stack), told)
}

async fn statuses(stack: &Stack, requests: usize, of: impl Fn() -> Request<()>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..requests {
        statuses.push(stack.clone().oneshot(of()).await.unwrap().status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn without_sessions_all_is_done_above() {
    let site = Site::new("[quotas.client]\nrate = \"2/h\"");
    assert!(site.limit.below().is_none());
    let (stack, told) = stack(&site);
    assert_eq!(statuses(&stack, 1, || request(HOME, "/")).await, [200]);
    assert_eq!(
        statuses(&stack, 2, || request(HOME, "/no")).await,
        [500, 429],
        "before what stands between"
    );
    assert_eq!(*told.lock().unwrap(), ["quota_used_up"]);
}

#[tokio::test]
async fn with_sessions_all_is_charged_once_and_below() {
    let site = Site::new(SESSIONS);
    let (stack, told) = stack(&site);
    let answer = stack.clone().oneshot(with(HOME, "/", session(1))).await.unwrap();
    assert_eq!(
        values(answer.headers(), "ratelimit"),
        [r#""client";r=8;t=400, "person";r=2;t=1200"#],
        "told once, and charged once"
    );
    assert_eq!(
        statuses(&stack, 3, || with(HOME, "/", session(1))).await,
        [200, 200, 429]
    );
    assert_eq!(
        statuses(&stack, 3, || with(HOME, "/", session(2))).await,
        [200, 200, 200]
    );
    assert_eq!(
        statuses(&stack, 4, || with(HOME, "/", session(3))).await,
        [200, 200, 200, 429],
        "what the session's quota refused was charged to none"
    );
    assert_eq!(told.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_that_has_used_up_its_own_is_refused_above() {
    let site = Site::new(SESSIONS);
    let (stack, _) = stack(&site);
    for number in 1..4 {
        assert_eq!(statuses(&stack, 3, || with(HOME, "/", session(number))).await, [200; 3]);
    }
    let refused = stack.clone().oneshot(with(HOME, "/no", session(4))).await.unwrap();
    assert_eq!(refused.status(), 429, "before what stands between");
    assert_eq!(values(refused.headers(), "ratelimit"), [r#""client";r=0;t=400"#]);
}

#[tokio::test]
async fn what_is_answered_between_the_two_is_charged_too() {
    let site = Site::new(SESSIONS);
    let (stack, _) = stack(&site);
    let statuses = statuses(&stack, 12, || request(HOME, "/no")).await;
    assert_eq!(statuses, [[500; 9].as_slice(), &[429; 3]].concat());
}

#[test]
fn whoever_hangs_up_between_the_two_is_charged_too() {
    let site = Site::new(SESSIONS);
    let (above, below) = (site.limit.above(), site.limit.below().unwrap());
    let mut head = request(HOME, "/").into_parts().0;
    for _ in 0..9 {
        above.mark(&mut head);
        drop(now(above.check(&mut head, &mut Findings::default())).unwrap());
    }
    assert!(now(above.check(&mut head, &mut Findings::default())).is_err());

    let mut head = request(AWAY, "/").into_parts().0;
    above.mark(&mut head);
    let looked = now(above.check(&mut head, &mut Findings::default())).unwrap();
    below.mark(&mut head);
    let charged = now(below.check(&mut head, &mut Findings::default())).unwrap();
    drop((looked, charged));
    assert_eq!(
        site.ask(AWAY, "/").unwrap(),
        r#""client";r=7;t=400, "person";r=1;t=1200"#,
        "once"
    );
}

#[tokio::test]
async fn a_quota_that_delays_is_not_refused_above() {
    let site = Site::new(&format!(
        "[quotas.slow]\nrate = \"100/s burst 1\"\nwhen_used_up = \"delay\"\nmax_delay = \"50ms\"\n{SESSIONS}"
    ));
    let (stack, told) = stack(&site);
    assert_eq!(statuses(&stack, 3, || with(HOME, "/", session(1))).await, [200; 3]);
    assert_eq!(*told.lock().unwrap(), ["quota_delayed"; 2]);
}

#[tokio::test]
async fn under_report_each_refusal_is_told_once() {
    let site = Site::new(&format!("enforcement = \"report\"\n{SESSIONS}"));
    let (stack, told) = stack(&site);
    assert_eq!(statuses(&stack, 5, || with(HOME, "/", session(1))).await, [200; 5]);
    assert_eq!(*told.lock().unwrap(), ["quota_used_up"; 2]);
}
