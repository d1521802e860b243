//! What limits have to bear: shares, tables of counts, waiting rooms, the store that edges share.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use rempart_proxy::{Kind, Load, StoreStats, TenantUsage, Usage};

pub(super) fn write(load: &Load, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    shares(&load.shares, encoder)?;
    tables(load, encoder)?;
    rooms(load, encoder)?;
    load.store.map_or(Ok(()), |store| of_store(store, encoder))
}

fn shares(all: &[TenantUsage], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let name = "rempart_share_in_use";
    let help = "Requests in flight, connections and handshakes of a tenant";
    let mut in_use = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    each(all, &mut in_use, |usage| usage.in_use)?;
    let help = "How many of them the tenant is guaranteed, beside the claims of the others";
    let mut guaranteed = encoder.encode_descriptor("rempart_share_guaranteed", help, None, MetricType::Gauge)?;
    each(all, &mut guaranteed, |usage| usage.guaranteed)?;
    let help = "How many wait for their turn";
    let mut waiting = encoder.encode_descriptor("rempart_share_waiting", help, None, MetricType::Gauge)?;
    each(all, &mut waiting, |usage| usage.waiting)?;
    let help = "How many were refused: because as many waited as may (full), after their wait (late), or because one client \
                held too many (client)";
    let mut refused = encoder.encode_descriptor("rempart_share_refused", help, None, MetricType::Counter)?;
    for tenant in all {
        for kind in Kind::ALL {
            let usage = tenant.of_kind(kind);
            let reasons = [
                ("full", usage.refused),
                ("late", usage.waited_too_long),
                ("client", usage.client_refused),
            ];
            for (reason, count) in reasons {
                let labels = [("tenant", &*tenant.tenant), ("kind", kind.as_str()), ("reason", reason)];
                counted(&mut refused, &labels, count)?;
            }
        }
    }
    let help = "For how long requests have kept a tenant's application busy, in all";
    let name = "rempart_upstream_busy_seconds";
    let mut busy = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for tenant in all {
        busy.encode_family(&[("tenant", &*tenant.tenant)])?
            .encode_counter::<[(&str, &str); 0], f64, u64>(&tenant.upstream_time.as_secs_f64(), None)?;
    }
    let help = "How many requests a tenant's application is given at once, where that is found out";
    let mut limits = encoder.encode_descriptor("rempart_upstream_limit", help, None, MetricType::Gauge)?;
    for tenant in all {
        if let Some(limit) = tenant.upstream_limit {
            limits
                .encode_family(&[("tenant", &*tenant.tenant)])?
                .encode_gauge(&limit)?;
        }
    }
    Ok(())
}

/// One sample for each tenant and kind.
fn each(all: &[TenantUsage], metric: &mut MetricEncoder<'_>, value: impl Fn(&Usage) -> u32) -> fmt::Result {
    for tenant in all {
        for kind in Kind::ALL {
            let labels = [("tenant", &*tenant.tenant), ("kind", kind.as_str())];
            metric
                .encode_family(&labels)?
                .encode_gauge(&value(tenant.of_kind(kind)))?;
        }
    }
    Ok(())
}

fn tables(load: &Load, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let name = "rempart_limit_table_bytes";
    let help = "Memory of the counts of a quota or a login guard's limit; those that nobody has asked yet take none";
    let mut bytes = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for table in &load.tables {
        let labels = [
            ("tenant", table.tenant.as_str()),
            ("feature", table.feature),
            ("limit", &table.limit),
        ];
        bytes.encode_family(&labels)?.encode_gauge(&(table.bytes as u64))?;
    }
    let name = "rempart_limit_table_overflowed";
    let help = "Requests that were counted together with others because the table was full";
    let mut overflowed = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for table in &load.tables {
        let labels = [
            ("tenant", table.tenant.as_str()),
            ("feature", table.feature),
            ("limit", &table.limit),
        ];
        counted(&mut overflowed, &labels, table.overflowed)?;
    }
    Ok(())
}

fn rooms(load: &Load, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "People in a tenant's waiting room: inside the site, and in the line before it";
    let mut people = encoder.encode_descriptor("rempart_waiting_room_people", help, None, MetricType::Gauge)?;
    for (tenant, room) in &load.rooms {
        for (place, number) in [("inside", room.inside), ("waiting", room.waiting)] {
            let labels = [("tenant", tenant.as_str()), ("place", place)];
            people.encode_family(&labels)?.encode_gauge(&(number as u64))?;
        }
    }
    Ok(())
}

fn of_store(store: StoreStats, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Whether the store that edges share answers; while it does not, each counts alone";
    let mut up = encoder.encode_descriptor("rempart_store_up", help, None, MetricType::Gauge)?;
    up.encode_gauge(&u32::from(store.is_there))?;
    let counters = [
        (
            "rempart_store_round_trips",
            "Calls that it has answered",
            store.round_trips,
        ),
        ("rempart_store_requests", "Requests that were in them", store.requests),
        ("rempart_store_failures", "How often it went away", store.failures),
        (
            "rempart_store_unanswered",
            "Requests that were counted alone instead",
            store.unanswered,
        ),
        (
            "rempart_store_dropped",
            "Counts of answers that it was not told",
            store.dropped,
        ),
    ];
    for (name, help, count) in counters {
        let mut counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        counter.encode_counter::<[(&str, &str); 0], u64, u64>(&count, None)?;
    }
    Ok(())
}

fn counted(metric: &mut MetricEncoder<'_>, labels: &[(&str, &str)], count: u64) -> fmt::Result {
    metric
        .encode_family(&labels)?
        .encode_counter::<[(&str, &str); 0], u64, u64>(&count, None)
}
