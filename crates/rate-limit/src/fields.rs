//! The `RateLimit-Policy` and `RateLimit` response fields of draft-ietf-httpapi-ratelimit-headers-11.

use std::sync::OnceLock;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use rempart_counts::Standing;

use crate::matched::Matched;
use crate::policy::QuotaPolicy;
use crate::{Count, RateLimitPolicy};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What an answer tells the client about its quotas: the two fields, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitFields {
    policy: HeaderValue,
    limit: HeaderValue,
}

impl RateLimitFields {
    /// The two headers by name.
    pub fn headers(self) -> [(HeaderName, HeaderValue); 2] {
        [(RATELIMIT_POLICY, self.policy), (RATELIMIT, self.limit)]
    }

    /// Adds the fields to an answer.
    ///
    /// Fields that the application set stay: its limits are as true as ours, both fields are lists that may be split over
    /// several lines, and an intermediary must not take a limit away (sections 3, 4 and 7.2 of the draft).
    pub fn add_to(self, headers: &mut HeaderMap) {
        for (name, value) in self.headers() {
            headers.append(name, value);
        }
    }
}

/// How much is left of a quota, as a client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// What could be had now, in requests or in bytes.
    pub(crate) remaining: u64,
    /// The time within which no more than that could be had: until there is one more. In nanoseconds.
    pub(crate) wait: u64,
}

/// By quota.
pub(crate) type Levels = [Level; RateLimitPolicy::MAX_QUOTAS];

/// The quotas of a policy as they are listed to clients.
pub(crate) struct Listing {
    /// For each quota its name in quotes and its policy; `None` for one that is not listed.
    items: Vec<Option<Item>>,
    /// Policy fields already rendered, by the set of quotas in them. A set whose place is taken is rendered anew.
    rendered: Box<[OnceLock<(Matched, HeaderValue)>; 64]>,
}

impl Listing {
    /// Lists the quotas that are the client's own. One that it shares with strangers is not listed: what is left of it would
    /// tell how busy the others are (section 8.2 of the draft).
    pub(crate) fn new(quotas: &[QuotaPolicy]) -> Self {
        let item = |quota: &QuotaPolicy| quota.per.is_own().then(|| Item::new(quota));
        Self {
            items: quotas.iter().map(item).collect(),
            rendered: Box::new([const { OnceLock::new() }; 64]),
        }
    }

    /// How a quota stands, when it is listed.
    pub(crate) fn level(&self, quota: usize, standing: &Standing) -> Level {
        self.items[quota]
            .as_ref()
            .map(|item| item.level(standing))
            .unwrap_or_default()
    }

    /// The fields for a request that was counted against these quotas; nothing when none of them is listed.
    pub(crate) fn fields(&self, matched: Matched, levels: &[Level]) -> Option<RateLimitFields> {
        let limit = self.limit(matched, levels)?;
        Some(RateLimitFields {
            policy: self.policy(matched)?,
            limit,
        })
    }

    /// One allocation: the text is put together on the stack.
    fn limit(&self, matched: Matched, levels: &[Level]) -> Option<HeaderValue> {
        let (mut text, mut length) = ([0; LONGEST], 0);
        let mut push = |piece: &[u8]| {
            text.get_mut(length..length + piece.len())?.copy_from_slice(piece);
            length += piece.len();
            Some(())
        };
        let (mut separator, mut digits) = (SEPARATOR.len(), itoa::Buffer::new());
        for index in self.listed(matched) {
            let (item, level) = (self.items[index].as_ref()?, levels[index]);
            // The first has none before it.
            push(&item.told.as_bytes()[separator..])?;
            push(digits.format(level.remaining).as_bytes())?;
            push(b";t=")?;
            push(digits.format(whole_seconds(level)).as_bytes())?;
            separator = 0;
        }
        if length == 0 {
            return None;
        }
        HeaderValue::from_bytes(&text[..length]).ok()
    }

    /// No allocation, once a set of quotas was seen.
    fn policy(&self, matched: Matched) -> Option<HeaderValue> {
        let place = &self.rendered[matched.spread() as usize % self.rendered.len()];
        match place.get() {
            Some((set, value)) if *set == matched => Some(value.clone()),
            Some(_) => self.render_policy(matched),
            None => {
                let value = self.render_policy(matched)?;
                // When another thread was faster with another set, this one is rendered anew each time.
                let _ = place.set((matched, value.clone()));
                Some(value)
            }
        }
    }

    fn render_policy(&self, matched: Matched) -> Option<HeaderValue> {
        let policies: Vec<_> = self
            .listed(matched)
            .filter_map(|index| Some(self.items[index].as_ref()?.policy.as_str()))
            .collect();
        HeaderValue::try_from(policies.join(SEPARATOR)).ok()
    }

    fn listed(&self, matched: Matched) -> impl Iterator<Item = usize> {
        matched.filter(|index| self.items[*index].is_some())
    }
}

struct Item {
    /// What stands before the number that is left, with the separator from what is told before it.
    told: String,
    policy: String,
    /// Of the rate, in nanoseconds.
    interval: u64,
    burst: u64,
    /// What a client is told for one unit.
    unit: u64,
}

impl Item {
    fn new(quota: &QuotaPolicy) -> Self {
        let name = format!("\"{}\"", quota.name);
        let rate = quota.rate.units();
        let (count, window) = (u64::from(rate.count()) * quota.rate.told(), rate.period().as_secs());
        // Without a unit it is requests (section 3.1.2 of the draft).
        let unit = match quota.count {
            Count::Bytes => ";qu=\"content-bytes\"",
            _ => "",
        };
        Self {
            told: format!("{SEPARATOR}{name};r="),
            policy: format!("{name};q={count}{unit};w={window}"),
            interval: nanoseconds(rate.interval()),
            burst: rate.burst().into(),
            unit: quota.rate.told(),
        }
    }

    fn level(&self, standing: &Standing) -> Level {
        // Of a bucket with room for so many, this is full when one more has come in.
        let beyond = self.burst.saturating_sub(standing.remaining + 1);
        let wait = match standing.remaining >= self.burst {
            true => self.interval,
            false => nanoseconds(standing.full_in).saturating_sub(self.interval * beyond),
        };
        Level {
            remaining: standing.remaining * self.unit,
            wait,
        }
    }
}

/// Between two items of a list.
const SEPARATOR: &str = ", ";

/// Sixteen items of at most `, "` + 32 + `";r=` + 13 digits + `;t=` + 8 digits.
const LONGEST: usize = 1_024;

/// `t` is the effective window (section 4.1.2): the time within which the client can use no more than `r`. With a bucket
/// that fills all the time this ends when there is one more, so on a refusal it is the same as `Retry-After`.
const fn whole_seconds(level: Level) -> u64 {
    level.wait.div_ceil(1_000_000_000)
}

/// Whatever is longer than 584 years is 584 years; no bucket needs two to fill.
fn nanoseconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(duration.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RateLimitSettings;

    fn listing(toml: &str) -> Listing {
        let settings: RateLimitSettings = toml::from_str(toml).unwrap();
        Listing::new(RateLimitPolicy::try_from(settings).unwrap().quotas())
    }

    const TWO: &str = "[quotas.client]\nrate = \"300/m burst 40\"\n[quotas.login]\nrate = \"10/15m\"\n\
                       [quotas.all]\nrate = \"1000/s\"\nper = \"tenant\"";

    fn text(fields: Option<RateLimitFields>) -> Vec<String> {
        fields
            .unwrap()
            .headers()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .to_vec()
    }

    #[test]
    fn the_fields_are_lists_of_strings_with_parameters() {
        let levels = [
            Level {
                remaining: 39,
                wait: 200_000_000,
            },
            Level {
                remaining: 4,
                wait: 12_000_000_000,
            },
            Level {
                remaining: 999,
                wait: 1_000_000,
            },
        ];
        let listing = listing(TWO);
        let expected = [
            r#"ratelimit-policy: "client";q=300;w=60, "login";q=10;w=900"#,
            r#"ratelimit: "client";r=39;t=1, "login";r=4;t=12"#,
        ];
        assert_eq!(text(listing.fields(Matched::of([0, 1, 2]), &levels)), expected);
        assert_eq!(
            text(listing.fields(Matched::of([0, 1, 2]), &levels)),
            expected,
            "and again from what is kept"
        );
        let expected = [
            r#"ratelimit-policy: "login";q=10;w=900"#,
            r#"ratelimit: "login";r=4;t=12"#,
        ];
        assert_eq!(text(listing.fields(Matched::of([1]), &levels)), expected);
    }

    #[test]
    fn what_is_left_of_a_quota_that_all_share_is_not_told() {
        let levels = [Level { remaining: 1, wait: 0 }; 3];
        assert_eq!(listing(TWO).fields(Matched::of([2]), &levels), None);
        assert_eq!(listing(TWO).fields(Matched::of([]), &levels), None);
    }

    #[test]
    fn sixteen_quotas_with_the_longest_names_fit() {
        let quota = |number: u32| format!("[quotas.{number:032}]\nrate = \"4294967/h burst 4294967295\"\n");
        let listing = listing(&(0..16).map(quota).collect::<String>());
        let level = Level {
            remaining: u32::MAX.into(),
            wait: 366 * 86_400_000_000_000,
        };
        let fields = text(listing.fields(Matched::of(0..16), &[level; 16]));
        assert_eq!(fields[1].matches(";r=4294967295;t=31622400").count(), 16);
    }

    #[test]
    fn sixteen_quotas_of_the_most_bytes_fit_too() {
        let quota = |number: u32| format!("[quotas.{number:032}]\nrate = \"4000000MiB/d\"\ncount = \"bytes\"\n");
        let listing = listing(&(0..16).map(quota).collect::<String>());
        let level = Level {
            remaining: u64::from(u32::MAX) * 1_024,
            wait: 366 * 86_400_000_000_000,
        };
        let fields = text(listing.fields(Matched::of(0..16), &[level; 16]));
        assert_eq!(fields[1].matches(";r=4398046510080;t=31622400").count(), 16);
        assert_eq!(
            fields[0]
                .matches(";q=4194304000000;qu=\"content-bytes\";w=86400")
                .count(),
            16
        );
    }

    #[test]
    fn every_set_of_quotas_has_its_own_policy_field() {
        let quota = |number: u32| format!("[quotas.q{number}]\nrate = \"{}/s\"\n", number + 1);
        let listing = listing(&(0..8).map(quota).collect::<String>());
        let levels = [Level {
            remaining: 1,
            wait: 1_000_000_000,
        }; 8];
        for _ in 0..2 {
            for set in 1_u16..256 {
                let members = (0..8).filter(|member| set & (1 << member) != 0);
                let expected: Vec<_> = members.clone().map(|n| format!("\"q{n}\";q={};w=1", n + 1)).collect();
                let fields = text(listing.fields(Matched::of(members), &levels));
                assert_eq!(fields[0], format!("ratelimit-policy: {}", expected.join(", ")));
            }
        }
    }
}
