//! Whatever comes in whatever order: nothing is lost, nobody waits for nothing, and in the end nothing is left.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Ask(usize, u8),
    End(usize),
    Hear(usize),
    GoAway(usize),
    Pass(u64),
    Weigh(usize, u32),
    Resize(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize, 0..4_u8).prop_map(|(who, priority)| Step::Ask(who, priority)),
        4 => any::<usize>().prop_map(Step::End),
        3 => any::<usize>().prop_map(Step::Hear),
        2 => any::<usize>().prop_map(Step::GoAway),
        1 => (0..1_500_u64).prop_map(Step::Pass),
        1 => (0..3_usize, 1..5_u32).prop_map(|(who, weight)| Step::Weigh(who, weight)),
        1 => (16..40_u32).prop_map(Step::Resize),
    ]
}

struct World {
    shares: Shares,
    tenants: [TenantShare; 3],
    permits: Vec<Permit>,
    waiting: Vec<Waiting>,
    clients: u32,
}

impl World {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Ask(who, priority) => {
                self.clients += 1;
                // Five clients, who may have six each.
                let client = client(self.clients % 5);
                let share = self.tenants[who].on_worker(self.clients as usize);
                match share.request(Priority::new(priority), client) {
                    Admission::Now(permit) => self.permits.push(permit),
                    Admission::Later(waiting) => self.waiting.push(waiting),
                    _ => {}
                }
            }
            Step::End(which) if !self.permits.is_empty() => drop(self.permits.swap_remove(which % self.permits.len())),
            Step::GoAway(which) if !self.waiting.is_empty() => {
                drop(self.waiting.swap_remove(which % self.waiting.len()));
            }
            Step::Hear(which) if !self.waiting.is_empty() => {
                let which = which % self.waiting.len();
                if let Some(decided) = turn(&mut self.waiting[which]) {
                    drop(self.waiting.swap_remove(which));
                    self.permits.extend(decided);
                }
            }
            Step::Pass(milliseconds) => tokio::time::advance(Duration::from_millis(milliseconds)).await,
            Step::Weigh(who, weight) => self.tenants[who]
                .with_policy(policy(&format!("{POLICY}\nweight = {weight}")))
                .claim(),
            Step::Resize(requests) => self.shares.resize(&capacity(&format!("requests = {requests}"))),
            Step::End(_) | Step::GoAway(_) | Step::Hear(_) => {}
        }
    }

    fn check(&self) {
        let total = self.shares.total(Kind::Requests);
        let usages = self.tenants.each_ref().map(usage);
        let in_use: u32 = usages.iter().map(|usage| usage.in_use).sum();
        assert_eq!(total.in_use, in_use);
        assert!(total.waiting <= self.waiting.len());
        assert!(in_use as usize >= self.permits.len());
        for usage in usages {
            assert!(
                usage.waiting == 0 || usage.in_use >= usage.guaranteed,
                "one waits below its guarantee: {usage:?}"
            );
            assert!(usage.waiting <= 4);
        }
        assert!(
            total.waiting == 0 || in_use >= total.capacity,
            "one waits for nothing: {total:?}"
        );
    }
}

const POLICY: &str = "max_waiting = 4\nmax_in_flight_per_client = 6";

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nobody_waits_for_nothing(steps in prop::collection::vec(step(), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let shares = shares(16);
            let tenants = tenants(&shares, ["library", "city", "daycare"], POLICY);
            let mut world = World { shares, tenants, permits: Vec::new(), waiting: Vec::new(), clients: 0 };
            for step in steps {
                world.take(step).await;
                world.check();
            }
            let World { shares, tenants, permits, waiting, .. } = world;
            drop((permits, waiting));
            assert_at_rest(&shares);
            let all = shares.total(Kind::Requests).capacity as usize;
            assert_eq!(fill(&tenants[0]).len(), all, "all can be lent again");
        });
    }
}
