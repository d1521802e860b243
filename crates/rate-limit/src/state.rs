use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, request};
use rempart_counts::{Ask, Counts, Key, Keys, Limit, Operation, Room, Standing, Taken, Taking};
use rempart_guard::{ClientNetwork, Downstream, Enforcement, RouteClass, RoutePath, SentBytesAreCounted};

use crate::answered::{Asks, Due, Passed};
use crate::fields::{Level, Levels, Listing};
use crate::keying::Caller;
use crate::matched::Matched;
use crate::policy::{Keying, QuotaPolicy, UsedUp};
use crate::queue::{Queue, Turns};
use crate::refusal::Counted;
use crate::{Count, Per, QuotaUsedUp, RateLimitFields, RateLimitPolicy, RateLimitRefusal};

/// The policy and the counts, and how a request is measured against all its quotas at once.
pub(crate) struct State {
    pub(crate) policy: RateLimitPolicy,
    pub(crate) counts: Counts,
    /// The same counts as far as this machine knows them.
    local: Counts,
    pub(crate) listing: Listing,
    pub(crate) keys: Keys,
    /// By quota.
    pub(crate) queues: Vec<Queue>,
    /// Who shares a count, each way once; and which way it is of each quota.
    pers: Vec<Per>,
    per: Vec<usize>,
    /// Whether any path has to be read.
    names_routes: bool,
    /// Whether anything is counted with the answer.
    counts_answers: bool,
}

impl State {
    pub(crate) fn new(policy: RateLimitPolicy, counts: Counts, keys: Keys, queues: Vec<Queue>) -> Self {
        let listing = Listing::new(&policy.quotas);
        let (mut pers, mut per) = (Vec::new(), Vec::new());
        for quota in &policy.quotas {
            let known = pers.iter().position(|known| *known == quota.per);
            per.push(known.unwrap_or_else(|| {
                pers.push(quota.per.clone());
                pers.len() - 1
            }));
        }
        let costs = policy.costs.iter().map(|cost| &cost.scope);
        let mut scopes = policy.quotas.iter().map(|quota| &quota.scope).chain(costs);
        Self {
            names_routes: scopes.any(|scope| !scope.routes.is_empty()),
            counts_answers: policy.quotas.iter().any(|quota| !quota.count.is_before()),
            local: counts.clone().unshared(),
            counts,
            policy,
            listing,
            keys,
            queues,
            pers,
            per,
        }
    }

    /// Who asks.
    pub(crate) fn client(&self, head: &request::Parts) -> Result<ClientNetwork, RateLimitRefusal> {
        let downstream = Downstream::of(&head.extensions).map_err(|_| RateLimitRefusal::NoDownstream)?;
        let keying = self.policy.keying;
        Ok(downstream.client.network(keying.ipv4_prefix, keying.ipv6_prefix))
    }

    /// Notes what a request asks of the quotas that `is_meant` means.
    pub(crate) fn ask(
        &self,
        head: &request::Parts,
        is_meant: impl Fn(&QuotaPolicy) -> bool,
        asked: &mut Asked,
    ) -> Result<(), RateLimitRefusal> {
        let class = head.extensions.get::<RouteClass>().copied();
        let path = RoutePath::new(if self.names_routes { head.uri.path() } else { "/" });
        let cost = self.policy.cost(&head.method, &path, class);
        let caller = Caller::new(head, asked.client, class);
        let mut keys: [Option<Key>; RateLimitPolicy::MAX_QUOTAS] = [None; _];
        for (limit, quota) in self.policy.quotas.iter().enumerate() {
            if !is_meant(quota) || !quota.applies(&head.method, &path, class) {
                continue;
            }
            if quota.count == Count::Bytes && head.extensions.get::<SentBytesAreCounted>().is_none() {
                return Err(RateLimitRefusal::NoSentBytes);
            }
            let per = self.per[limit];
            let key = *keys[per].get_or_insert_with(|| caller.key(&self.keys, &self.pers[per]));
            asked.asks.push(Ask {
                limit,
                key,
                cost: if quota.count == Count::Bytes { 1 } else { cost },
                operation: self.operation(limit, quota, &mut asked.turns),
            });
        }
        Ok(())
    }

    /// A request waits only where it finds a place to.
    fn operation(&self, index: usize, quota: &QuotaPolicy, turns: &mut Turns) -> Operation {
        if !quota.count.is_before() {
            return Operation::Look;
        }
        let UsedUp::Delay { at_most, waiting } = quota.used_up else {
            return Operation::CHARGE;
        };
        match self.queues[index].enter(waiting) {
            None => Operation::CHARGE,
            Some(turn) => {
                turns.push(turn);
                Operation::Charge { patience: at_most }
            }
        }
    }

    /// Looks, as far as this machine knows and without charging anything, whether a quota is used up for longer than the
    /// request would wait.
    pub(crate) fn look(&self, asked: &Asked) -> Taken {
        let mut looks = asked.asks.clone();
        looks.iter_mut().for_each(|ask| ask.operation = Operation::Look);
        let Taking::Now(mut taken) = self.local.take(&looks) else {
            unreachable!("what is not shared is known at once")
        };
        let waits_too_long = |(ask, standing): (&Ask, &Standing)| {
            let patience = match self.policy.quotas[ask.limit].used_up {
                UsedUp::Refuse => Duration::ZERO,
                UsedUp::Delay { at_most, .. } => at_most,
            };
            standing.is_refused && standing.wait > patience
        };
        taken.passes = !asked.asks.iter().zip(&taken.standings).any(waits_too_long);
        taken
    }

    /// What becomes of a request once it was measured, and how long it has to wait first.
    pub(crate) fn settle(&self, asked: &Asked, taken: &Taken) -> Result<(Passed, Duration), RateLimitRefusal> {
        let fields = self.fields(asked, taken);
        if !taken.passes {
            return Err(Box::new(self.used_up(asked, taken, fields)).into());
        }
        let waits = asked.asks.iter().zip(&taken.standings).filter_map(|(ask, standing)| {
            let waits = matches!(ask.operation, Operation::Charge { patience } if !patience.is_zero());
            (waits && !standing.wait.is_zero()).then_some((ask.limit, standing.wait))
        });
        let waited = waits.max_by_key(|(_, wait)| *wait);
        let wait = match self.policy.enforcement {
            // What is only told delays nobody.
            Enforcement::Enforce => waited.map(|(_, wait)| wait).unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let due = None;
        Ok((Passed { fields, due, waited }, wait))
    }

    /// What a request leaves for its answer when it goes on, which one that still waits may not.
    pub(crate) fn go_on(self: &Arc<Self>, asked: &Asked, mut passed: Passed) -> Passed {
        if self.counts_answers {
            passed.due = Due::of(self, &asked.asks, asked.is_safe);
        }
        passed
    }

    fn fields(&self, asked: &Asked, taken: &Taken) -> Option<RateLimitFields> {
        if !self.policy.headers {
            return None;
        }
        let mut levels: Levels = [Level::default(); _];
        for (ask, standing) in asked.asks.iter().zip(&taken.standings) {
            levels[ask.limit] = self.listing.level(ask.limit, standing);
        }
        let matched = Matched::of(asked.asks.iter().map(|ask| ask.limit));
        self.listing.fields(matched, &levels)
    }

    fn used_up(&self, asked: &Asked, taken: &Taken, fields: Option<RateLimitFields>) -> QuotaUsedUp {
        let refused = asked
            .asks
            .iter()
            .zip(&taken.standings)
            .filter(|(_, standing)| standing.is_refused);
        // Of several that take equally long the first.
        let (ask, standing) = refused
            .rev()
            .max_by_key(|(_, standing)| standing.wait)
            .expect("a request that does not pass was refused by a quota");
        let quota = &self.policy.quotas[ask.limit];
        let counted = match (quota.per.parts(), standing.is_crowded) {
            ([], _) => Counted::Together,
            (_, true) => Counted::Crowded,
            (_, false) => Counted::Alone,
        };
        QuotaUsedUp {
            quota: Arc::clone(&quota.name),
            rate: quota.rate,
            per: quota.per.clone(),
            client: asked.client,
            counted,
            wait: standing.wait,
            fields,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// One request, as it is measured. Large, and made where it stays.
pub(crate) struct Asked {
    pub(crate) asks: Asks,
    pub(crate) turns: Turns,
    client: ClientNetwork,
    pub(crate) is_safe: bool,
}

impl Asked {
    #[inline]
    pub(crate) fn of(client: ClientNetwork, method: &Method) -> Self {
        Self {
            asks: Asks::new(),
            turns: Turns::new(),
            client,
            is_safe: method.is_safe(),
        }
    }
}

/// The limits of a policy, for the counts. All that makes a count another one is in its name or in the limit: by it a reload
/// knows whether a count means the same, and so do other machines that share it.
pub(crate) fn limits(policy: &RateLimitPolicy) -> Vec<Limit> {
    let limit = |quota: &QuotaPolicy| Limit {
        name: name(quota, policy.keying).into(),
        rate: quota.rate.units(),
        room: room(quota, policy.keying.max_keys),
    };
    policy.quotas.iter().map(limit).collect()
}

fn name(quota: &QuotaPolicy, keying: Keying) -> String {
    let QuotaPolicy { name, per, count, .. } = quota;
    let Keying {
        ipv4_prefix,
        ipv6_prefix,
        ..
    } = keying;
    match per.has_few() {
        true => format!("{name}|{per}|{count}"),
        false => format!("{name}|{per}|{count}|{ipv4_prefix}|{ipv6_prefix}"),
    }
}

fn room(quota: &QuotaPolicy, max_keys: u32) -> Room {
    match quota.per.parts() {
        [] => Room::One,
        _ if quota.per.has_few() => Room::For(FEW),
        _ => Room::For(max_keys),
    }
}

/// Ten methods and eight classes.
const FEW: u32 = 128;
