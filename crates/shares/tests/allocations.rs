//! What is admitted at once allocates nothing.

use std::num::NonZeroUsize;

use rempart_guard::ClientAddr;
use rempart_shares::{Admission, CapacityPolicy, Priority, Shares, SharesPolicy, TenantShare};

#[test]
fn what_is_admitted_at_once_allocates_nothing() {
    let shares = Shares::new(&CapacityPolicy::default(), NonZeroUsize::MIN);
    let [library, city] = ["library", "city"].map(|name| shares.tenant(name, SharesPolicy::default()));
    let ask = |share: &TenantShare| {
        for number in 0..8_u32 {
            let client = ClientAddr::new(std::net::Ipv4Addr::from_bits(number).into());
            let asked = [
                share.request(Priority::FIRST, client),
                share.connection(client),
                share.handshake(client),
            ];
            assert!(asked[..2].iter().all(|asked| matches!(asked, Admission::Now(_))));
        }
    };
    // The tables of networks grow to their first size.
    let all = || [&library, &city].into_iter().for_each(ask);
    all();
    let counted = allocation_counter::measure(all);
    assert_eq!(counted.count_total, 0);
}
