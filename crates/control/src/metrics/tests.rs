use std::collections::BTreeSet;
use std::time::Duration;

use prometheus_parse::{Scrape as Parsed, Value};
use rempart_config::Diagnostics;
use rempart_proxy::{CountTable, Occupancy, StoreStats, TenantUsage, Usage};

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn status(tenant: &str, state: TenantState, since: Option<u64>) -> TenantStatus {
    let is_served = state != TenantState::Absent;
    TenantStatus {
        tenant: tenant.parse().unwrap(),
        state,
        since: since.map(at),
        hosts: Vec::new(),
        upstream: None,
        certificate_ends: is_served.then_some(1_900_000_000),
        wrong: Diagnostics::default(),
    }
}

fn load() -> Load {
    let usage = Usage {
        in_use: 7,
        guaranteed: 16,
        refused: 3,
        ..Usage::default()
    };
    let mut load = Load::default();
    load.shares.push(TenantUsage {
        tenant: "library".into(),
        kinds: [usage, Usage::default(), Usage::default()],
        clients: 5,
        upstream_time: Duration::from_millis(1_500),
        upstream_limit: Some(24),
        upstream: [7, 1],
    });
    load.tables.push(CountTable {
        tenant: "library".parse().unwrap(),
        feature: "rate_limit",
        limit: "client".to_owned(),
        bytes: 4_096,
        overflowed: 2,
    });
    let inside = Occupancy {
        inside: 300,
        waiting: 41,
        networks: 200,
        bytes: 20_000,
    };
    load.rooms.push(("library".parse().unwrap(), inside));
    load.store = Some(StoreStats {
        is_there: true,
        round_trips: 10,
        requests: 12,
        ..StoreStats::default()
    });
    load
}

fn scrape() -> String {
    let mut history = History::default();
    (history.clean, history.partial, history.refused) = (3, 2, 1);
    history.last_clean = Some(at(1_800_000_001));
    let scrape = Scrape {
        tenants: vec![
            status("library", TenantState::Current, None),
            status("city-hall", TenantState::LastGood, Some(1_800_000_002)),
            status("museum", TenantState::Absent, Some(1_800_000_003)),
        ],
        history,
        load: load(),
    };
    scrape.written().unwrap()
}

/// Every sample as `name{label=value,…} number`, read by a parser that is not ours.
fn samples(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let parsed = Parsed::parse(lines).unwrap();
    let samples = parsed.samples.iter().map(|sample| {
        let mut labels: Vec<_> = sample
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        labels.sort();
        let (Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number)) = &sample.value else {
            panic!("{sample:?}");
        };
        format!("{}{{{}}} {number}", sample.metric, labels.join(","))
    });
    samples.collect()
}

#[test]
fn a_parser_of_somebody_elses_reads_what_is_true() {
    let text = scrape();
    let expected = [
        "rempart_config_tenant_state{state=current,tenant=library} 1",
        "rempart_config_tenant_state{state=last_good,tenant=library} 0",
        "rempart_config_tenant_state{state=absent,tenant=library} 0",
        "rempart_config_tenant_state{state=current,tenant=city-hall} 0",
        "rempart_config_tenant_state{state=last_good,tenant=city-hall} 1",
        "rempart_config_tenant_state{state=absent,tenant=city-hall} 0",
        "rempart_config_tenant_state{state=current,tenant=museum} 0",
        "rempart_config_tenant_state{state=last_good,tenant=museum} 0",
        "rempart_config_tenant_state{state=absent,tenant=museum} 1",
        "rempart_config_tenant_wrong_since_seconds{tenant=city-hall} 1800000002",
        "rempart_config_tenant_wrong_since_seconds{tenant=museum} 1800000003",
        "rempart_tls_cert_not_after_seconds{tenant=library} 1900000000",
        "rempart_tls_cert_not_after_seconds{tenant=city-hall} 1900000000",
        "rempart_config_reloads_total{outcome=clean} 3",
        "rempart_config_reloads_total{outcome=partial} 2",
        "rempart_config_reloads_total{outcome=refused} 1",
        "rempart_config_last_reload_success_timestamp_seconds{} 1800000001",
        concat!("rempart_build_info{version=", env!("CARGO_PKG_VERSION"), "} 1"),
    ];
    let is_of_load = |sample: &String| {
        let families = ["share", "upstream", "limit", "waiting", "store"];
        families
            .iter()
            .any(|family| sample.starts_with(&format!("rempart_{family}_")))
    };
    let (of_load, rest): (BTreeSet<_>, BTreeSet<_>) = samples(&text).into_iter().partition(is_of_load);
    assert_eq!(rest, expected.map(str::to_owned).into(), "{text}");
    for sample in [
        "rempart_share_in_use{kind=requests,tenant=library} 7",
        "rempart_share_guaranteed{kind=requests,tenant=library} 16",
        "rempart_share_refused_total{kind=requests,reason=full,tenant=library} 3",
        "rempart_share_waiting{kind=handshakes,tenant=library} 0",
        "rempart_upstream_busy_seconds_total{tenant=library} 1.5",
        "rempart_upstream_limit{tenant=library} 24",
        "rempart_limit_table_bytes{feature=rate_limit,limit=client,tenant=library} 4096",
        "rempart_limit_table_overflowed_total{feature=rate_limit,limit=client,tenant=library} 2",
        "rempart_waiting_room_people{place=inside,tenant=library} 300",
        "rempart_waiting_room_people{place=waiting,tenant=library} 41",
        "rempart_store_up{} 1",
        "rempart_store_round_trips_total{} 10",
    ] {
        assert!(of_load.contains(sample), "{sample} is missing: {of_load:#?}");
    }
}

#[test]
fn the_text_is_open_metrics_line_by_line() {
    let text = scrape();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let (mut family, mut seen) = (String::new(), BTreeSet::new());
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(meta) = line.strip_prefix("# ") {
            let (word, rest) = meta.split_once(' ').unwrap();
            let (name, _) = rest.split_once(' ').unwrap();
            if word == "HELP" {
                assert!(seen.insert(name.to_owned()), "{name} comes twice");
                family = name.to_owned();
            }
            assert!(matches!(word, "HELP" | "TYPE") && name == family, "{line}");
            continue;
        }
        let (name, _) = line.split_once([' ', '{']).unwrap();
        let end = name
            .strip_prefix(&family)
            .unwrap_or_else(|| panic!("{line} is not of {family}"));
        assert!(matches!(end, "" | "_total" | "_info"), "{line}");
        let (series, number) = line.rsplit_once(' ').unwrap();
        assert!(seen.insert(format!("series {series}")), "{line} comes twice");
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!(
        seen.iter().filter(|name| !name.starts_with("series ")).count(),
        6 + 9 + 6,
        "{seen:?}"
    );
}

#[test]
fn what_has_not_happened_has_no_sample() {
    let scrape = Scrape {
        tenants: Vec::new(),
        history: History::default(),
        load: Load::default(),
    };
    let text = scrape.written().unwrap();
    assert!(!text.contains("timestamp_seconds"), "{text}");
    assert!(
        text.contains("rempart_config_reloads_total{outcome=\"clean\"} 0\n"),
        "{text}"
    );
}
