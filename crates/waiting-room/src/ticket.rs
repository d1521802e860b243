//! A ticket: when somebody came, which is their number, sealed so that nobody makes one.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64_simd::URL_SAFE_NO_PAD;

use crate::clock::Moment;

/// The secrets by which a tenant's tickets are known: 32 bytes each, of this tenant and this purpose alone. What is made now
/// is made with the first; the others only read, so that a key can be replaced in the middle of a rush.
///
/// ```
/// use rempart_waiting_room::TicketKeys;
///
/// let keys = TicketKeys::new(&[7; 32]).with_previous(&[6; 32]);
/// assert_eq!(format!("{keys:?}"), "TicketKeys(..)");
/// ```
#[derive(Clone)]
pub struct TicketKeys(Vec<hmac::Key>);

impl TicketKeys {
    /// One secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(vec![hmac::Key::new(HMAC_SHA256, secret)])
    }

    /// And one from before, which still reads.
    #[must_use]
    pub fn with_previous(mut self, secret: &[u8; 32]) -> Self {
        self.0.push(hmac::Key::new(HMAC_SHA256, secret));
        self
    }

    /// The ticket as a cookie's value: 46 letters, digits, `-` and `_`.
    pub(crate) fn seal(&self, ticket: Ticket) -> String {
        let body = ticket.body();
        let mut bytes = [0; LENGTH];
        bytes[..BODY].copy_from_slice(&body);
        bytes[BODY..].copy_from_slice(&tag(&self.0[0], &body)[..TAG]);
        URL_SAFE_NO_PAD.encode_to_string(bytes)
    }

    /// The ticket, when it was made here for this tenant.
    pub(crate) fn open(&self, text: &[u8]) -> Option<Ticket> {
        if text.len() != TEXT {
            return None;
        }
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode_to_vec(text).ok()?.try_into().ok()?;
        let (body, given) = bytes.split_at(BODY);
        let is_ours = |key| verify_slices_are_equal(&tag(key, body)[..TAG], given).is_ok();
        self.0.iter().any(is_ours).then(|| Ticket::read(body)).flatten()
    }

    /// A number by lot, between 0 and 2⁶³, for somebody who came before the opening. Whoever does not know the secret cannot
    /// know it before; whoever does finds it again after a restart.
    pub(crate) fn lot(&self, arrival: Moment, opens: Moment) -> u64 {
        let mut drawn = hmac::Context::with_key(&self.0[0]);
        drawn.update(LOT);
        drawn.update(&opens.to_be_bytes());
        drawn.update(&arrival.to_be_bytes());
        let drawn = drawn.sign();
        let first: [u8; 8] = drawn.as_ref()[..8].try_into().expect("a SHA-256 has 32 bytes");
        u64::from_be_bytes(first) >> 1
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys(..)")
    }
}

/// What a ticket says. Who holds a copy of it holds the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// When they came, to the microsecond, and no two came in the same one: the number in the line.
    pub(crate) arrival: Moment,
    /// When this ticket was made: when they were seen last.
    pub(crate) seen: Moment,
    /// Whether they had been let in by then.
    pub(crate) is_inside: bool,
}

impl Ticket {
    fn body(self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[0] = VERSION;
        body[1..9].copy_from_slice(&self.arrival.to_be_bytes());
        body[9..17].copy_from_slice(&self.seen.to_be_bytes());
        body[17] = u8::from(self.is_inside);
        body
    }

    fn read(body: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
        (body.first() == Some(&VERSION)).then_some(Self {
            arrival: number(1)?,
            seen: number(9)?,
            is_inside: body.get(17) == Some(&1),
        })
    }
}

fn tag(key: &hmac::Key, body: &[u8]) -> [u8; 32] {
    let mut signed = hmac::Context::with_key(key);
    signed.update(TICKET);
    signed.update(body);
    signed.sign().as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

const VERSION: u8 = 1;
const BODY: usize = 18;
/// Half of a SHA-256: RFC 2104 section 5 allows no less.
const TAG: usize = 16;
const LENGTH: usize = BODY + TAG;
const TEXT: usize = (LENGTH * 4).div_ceil(3);
/// What is signed as a ticket is no lot, and the other way round.
const TICKET: &[u8] = b"waiting room, ticket:";
const LOT: &[u8] = b"waiting room, lot of:";

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: Ticket = Ticket {
        arrival: 1_804_000_000_000_001,
        seen: 1_804_000_020_000_000,
        is_inside: false,
    };

    #[test]
    fn a_ticket_reads_back_under_its_key_and_under_the_one_that_replaced_it() {
        let old = TicketKeys::new(&[1; 32]);
        let text = old.seal(MINE);
        assert_eq!(text.len(), TEXT);
        assert_eq!(old.open(text.as_bytes()), Some(MINE));
        let new = TicketKeys::new(&[2; 32]).with_previous(&[1; 32]);
        assert_eq!(new.open(text.as_bytes()), Some(MINE));
        assert_eq!(
            old.open(new.seal(MINE).as_bytes()),
            None,
            "what is made is made with the new one"
        );
    }

    #[test]
    fn a_ticket_of_another_tenant_or_with_one_bit_changed_is_none() {
        let keys = TicketKeys::new(&[1; 32]);
        let text = keys.seal(MINE);
        assert_eq!(TicketKeys::new(&[2; 32]).open(text.as_bytes()), None);
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(&text).unwrap();
        for bit in 0..LENGTH * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode_to_string(forged);
            assert_eq!(keys.open(forged.as_bytes()), None, "bit {bit}");
        }
    }

    #[test]
    fn what_is_no_ticket_is_none() {
        let keys = TicketKeys::new(&[1; 32]);
        for text in ["", "x", &"A".repeat(TEXT), &"=".repeat(TEXT), &"A".repeat(4_000)] {
            assert_eq!(keys.open(text.as_bytes()), None);
        }
    }

    #[test]
    fn lots_are_another_order_than_that_of_arrival_and_another_one_for_each_opening() {
        let keys = TicketKeys::new(&[1; 32]);
        let order = |opens| {
            let mut order: Vec<u64> = (0..100).collect();
            order.sort_by_key(|arrival| keys.lot(*arrival, opens));
            order
        };
        assert_ne!(order(1), (0..100).collect::<Vec<_>>());
        assert_ne!(order(1), order(2));
        assert_eq!(order(1), order(1));
        assert!((0..100).all(|arrival| keys.lot(arrival, 1) >> 63 == 0));
    }
}
