//! How settings become a policy: everything that is wrong is said at once, each with its key.

use rempart_guard::{Day, Problem, Problems, RouteClass, RoutePattern, duration, in_words};

use crate::policy::{CostPolicy, Keying, UsedUp};
use crate::scope::Scope;
use crate::settings::{COST, IPV4_PREFIX, IPV6_PREFIX, MAX_DELAY, MAX_KEYS, MAX_WAITING};
use crate::written::CountSettings;
use crate::{
    ByteRate, ByteRateError, CostSettings, Count, Per, QuotaPolicy, QuotaRate, QuotaSettings, Rate, RateLimitPolicy,
    RateLimitSettings, WhenUsedUp,
};

impl TryFrom<RateLimitSettings> for RateLimitPolicy {
    type Error = Problems;

    fn try_from(settings: RateLimitSettings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let report_until = problems.take(Day::report_until(settings.report_until.as_deref()));
        within(&mut problems, &["max_keys"], settings.max_keys, MAX_KEYS);
        within(
            &mut problems,
            &["ipv4_prefix"],
            settings.ipv4_prefix.into(),
            IPV4_PREFIX,
        );
        within(
            &mut problems,
            &["ipv6_prefix"],
            settings.ipv6_prefix.into(),
            IPV6_PREFIX,
        );
        few(&mut problems, "quotas", settings.quotas.len(), Self::MAX_QUOTAS);
        few(&mut problems, "costs", settings.costs.len(), Self::MAX_COSTS);
        let quotas = settings.quotas.iter();
        let mut quotas: Vec<_> = quotas
            .filter_map(|(name, quota)| quota.read(name, &mut problems))
            .collect();
        let costs = settings.costs.iter();
        let costs = costs
            .filter_map(|(name, cost)| cost.read(name, &mut problems))
            .collect();
        quotas.sort_by_key(|quota| !quota.per.is_own());
        problems.extend(escapes(&quotas));
        let RateLimitSettings {
            enforcement,
            headers,
            max_keys,
            ipv4_prefix,
            ipv6_prefix,
            ..
        } = settings;
        let keying = Keying {
            max_keys,
            ipv4_prefix,
            ipv6_prefix,
        };
        problems.none_or(|| {
            Some(Self {
                enforcement,
                report_until: report_until?,
                headers,
                keying,
                quotas,
                costs,
            })
        })
    }
}

impl QuotaSettings {
    fn read(&self, name: &str, problems: &mut Problems) -> Option<QuotaPolicy> {
        let at = |field| ["quotas", name, field];
        check_name("quotas", name, problems);
        let count = problems.take(self.count.read(&at("count")));
        let rate = problems.take(read_rate(&self.rate, count.as_ref(), &at("rate")));
        let per = problems.take(Per::read(self.per.words(), &at("per")));
        let scope = read_scope(["quotas", name], &self.routes, &self.classes, problems);
        let used_up = self.read_used_up(name, count.as_ref(), problems);
        Some(QuotaPolicy {
            name: name.into(),
            rate: rate?,
            per: per?,
            count: count?,
            scope,
            used_up,
        })
    }

    fn read_used_up(&self, name: &str, count: Option<&Count>, problems: &mut Problems) -> UsedUp {
        let at = |field| ["quotas", name, field];
        let at_most = problems.take(read_delay(&self.max_delay, &at("max_delay")));
        within(problems, &at("max_waiting"), self.max_waiting, MAX_WAITING);
        if self.when_used_up == WhenUsedUp::Refuse {
            return UsedUp::Refuse;
        }
        if let Some(count) = count.filter(|count| !count.is_before()) {
            let message =
                format!("{count} are counted when the answer is there, and then there is nothing to wait for");
            let problem = Problem::new(at("when_used_up"), "quota_delay_unfit", message);
            problems.push(problem.help("write count = \"requests\", or when_used_up = \"refuse\""));
        }
        UsedUp::Delay {
            at_most: at_most.unwrap_or_default(),
            waiting: self.max_waiting,
        }
    }
}

impl CostSettings {
    fn read(&self, name: &str, problems: &mut Problems) -> Option<CostPolicy> {
        check_name("costs", name, problems);
        within(problems, &["costs", name, "cost"], self.cost, COST);
        if self.routes.is_empty() && self.classes.is_empty() {
            let problem = Problem::new(["costs", name], "cost_without_route", "what costs so much is not said");
            problems.push(problem.help("write routes = [\"GET /search\"] or classes = [\"export\"]"));
        }
        let scope = read_scope(["costs", name], &self.routes, &self.classes, problems);
        Some(CostPolicy {
            name: name.into(),
            cost: self.cost,
            scope,
        })
    }
}

impl CountSettings {
    fn read(&self, key: &[&str]) -> Result<Count, Problem> {
        let problem = |message: String| {
            let key = key.iter().map(|part| (*part).to_owned());
            let help =
                "write \"requests\", \"failures\", \"not_found\", \"bytes\" or a list of statuses such as [401, 403]";
            Problem::new(key, "quota_count_unknown", message).help(help)
        };
        match self {
            Self::Word(word) => Count::read(word)
                .ok_or_else(|| problem(format!("`{}` is not what can be counted", word.escape_debug()))),
            Self::Statuses(statuses) if statuses.is_empty() => {
                Err(problem("an empty list of statuses counts nothing".to_owned()))
            }
            Self::Statuses(statuses) => {
                if let Some(other) = statuses.iter().find(|status| !(100..600).contains(*status)) {
                    return Err(problem(format!("{other} is no status of an answer")));
                }
                let mut statuses = statuses.clone();
                statuses.sort_unstable();
                statuses.dedup();
                Ok(Count::Statuses(statuses))
            }
        }
    }
}

/// Quotas that a client escapes by being somebody else with each request: those keyed by something of which it can have as
/// many as it likes, without another that counts it all the same.
fn escapes(quotas: &[QuotaPolicy]) -> impl Iterator<Item = Problem> {
    let escapes = quotas.iter().filter_map(|quota| {
        let part = quota.per.invented()?;
        let holds = |other: &QuotaPolicy| {
            let counts = other.count.is_before() || other.count == quota.count;
            other.per.invented().is_none() && counts && other.scope.covers(&quota.scope)
        };
        if quotas.iter().any(holds) {
            return None;
        }
        let message = format!(
            "a client has as many different `{part}` as it likes: with a new one for each request it is never refused"
        );
        let key = ["quotas", &*quota.name, "per"].map(str::to_owned);
        let help = "keep a quota with per = \"client\" on the same routes besides: it bounds what one client can do";
        Some(Problem::new(key, "quota_key_invented", message).help(help))
    });
    escapes.collect::<Vec<_>>().into_iter()
}

fn within(problems: &mut Problems, key: &[&str], value: u32, (low, high): (u32, u32)) {
    if !(low..=high).contains(&value) {
        let key = key.iter().map(|part| (*part).to_owned());
        let problem = Problem::new(key, "out_of_range", format!("{value} is not from {low} to {high}"));
        problems.push(problem.help(format!("write a number from {low} to {high}, or leave it out")));
    }
}

fn few(problems: &mut Problems, key: &str, number: usize, most: usize) {
    if number > most {
        let code = if key == "quotas" {
            "quotas_too_many"
        } else {
            "costs_too_many"
        };
        let message = format!("{number} {key} are more than the {most} of one tenant");
        problems.push(Problem::new([key], code, message));
    }
}

/// A name goes into a structured field as a string (RFC 9651 section 3.3.3) and into metrics as a label.
fn check_name(section: &str, name: &str, problems: &mut Problems) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(allowed) {
        let (one, code) = match section {
            "quotas" => ("a quota", "quota_name_invalid"),
            _ => ("a cost", "cost_name_invalid"),
        };
        let message = format!("the name of {one} is 1 to 32 of the characters a-z, 0-9, _ and -");
        problems.push(Problem::new([section, name], code, message).help("such as \"login\""));
    }
}

/// What the rate must be is said by what is counted. When that is unknown, either will do.
fn read_rate(written: &str, count: Option<&Count>, key: &[&str; 3]) -> Result<QuotaRate, Problem> {
    let problem = |code, message: String, help: &str| {
        let message = format!("`{}`: {message}", written.escape_debug());
        Problem::new(key.map(str::to_owned), code, message).help(help)
    };
    let (requests, bytes) = (written.parse::<Rate>(), written.parse::<ByteRate>());
    match (count, requests, bytes) {
        (None | Some(Count::Bytes), _, Ok(rate)) => Ok(QuotaRate::Bytes(rate)),
        (Some(Count::Bytes), Ok(_), Err(_)) => {
            let error = ByteRateError::Size(rempart_guard::UnitError::NoUnit);
            Err(problem(
                error.code(),
                "bytes are counted, and this is no size".to_owned(),
                error.help(),
            ))
        }
        (Some(Count::Bytes), _, Err(error)) => Err(problem(error.code(), error.to_string(), error.help())),
        (_, Ok(rate), _) => Ok(QuotaRate::Requests(rate)),
        (Some(count), Err(_), Ok(_)) => {
            let message = format!("{count} are counted, and this is a size");
            let help = "write a count such as \"300/m\", or count = \"bytes\"";
            Err(problem("rate_with_unit", message, help))
        }
        (_, Err(error), _) => Err(problem(error.code(), error.to_string(), error.help())),
    }
}

fn read_delay(written: &str, key: &[&str; 3]) -> Result<std::time::Duration, Problem> {
    let (least, most) = MAX_DELAY;
    let problem = |code, message: String| {
        let message = format!("`{}`: {message}", written.escape_debug());
        let help = format!(
            "write a duration from \"1ms\" to \"{}s\", such as \"2s\"",
            most.as_secs()
        );
        Problem::new(key.map(str::to_owned), code, message).help(help)
    };
    let delay = duration(written).map_err(|error| problem("duration_invalid", error.to_string()))?;
    match (least..=most).contains(&delay) {
        true => Ok(delay),
        false => Err(problem(
            "duration_out_of_range",
            format!("not from {} to {}", in_words(least), in_words(most)),
        )),
    }
}

fn read_scope(section: [&str; 2], routes: &[String], classes: &[String], problems: &mut Problems) -> Scope {
    let key = |field: &str, index: usize| {
        let [section, name] = section;
        [section, name, field, &index.to_string()].map(str::to_owned)
    };
    let mut scope = Scope::default();
    for (index, written) in routes.iter().enumerate() {
        let route = written.parse::<RoutePattern>().map_err(|error| {
            let message = format!("`{}`: {error}", written.escape_debug());
            let problem = Problem::new(key("routes", index), "route_invalid", message);
            problem.help("write a path such as \"/login\" or \"POST /api/*\"")
        });
        scope.routes.extend(problems.take(route));
    }
    for (index, written) in classes.iter().enumerate() {
        let known = RouteClass::ALL.into_iter().find(|class| class.as_str() == written);
        let class = known.ok_or_else(|| {
            let message = format!("`{}` is no class of routes", written.escape_debug());
            let known = RouteClass::ALL.map(RouteClass::as_str).join("\", \"");
            Problem::new(key("classes", index), "class_unknown", message).help(format!("write one of \"{known}\""))
        });
        scope.classes.extend(problems.take(class));
    }
    scope.classes.sort_unstable();
    scope.classes.dedup();
    scope
}

#[cfg(test)]
mod tests;
