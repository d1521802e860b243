//! What outlives a restart, as bytes for a file.

use crate::clock::Moment;
use crate::line::Waiting;
use crate::networks::NOBODY;
use crate::room::{Held, Place, Room};

/// Bytes that are no waiting room's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no waiting room that was kept: the file is of another kind or version, or a part of it is missing")]
pub struct KeptError;

/// People of an earlier life of a room: nine bytes each, and no addresses.
pub(crate) struct Kept {
    at: Moment,
    line: Vec<(Moment, u8)>,
    places: Vec<(Moment, u8)>,
}

impl Kept {
    pub(crate) fn write(room: &Room) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + (room.line.len() + room.places.len()) * ONE);
        bytes.extend_from_slice(MAGIC);
        let counts = [room.line.len() as u64, room.places.len() as u64];
        for number in [room.last(), counts[0], counts[1]] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let line = room.line.iter().map(|one| (one.arrival, u8::from(one.is_shown)));
        let places = room.places.iter().map(|(arrival, place)| (*arrival, place.held as u8));
        for (arrival, flag) in line.chain(places) {
            bytes.extend_from_slice(&arrival.to_be_bytes());
            bytes.push(flag);
        }
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, KeptError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(KeptError)?;
        let (at, rest) = number(rest)?;
        let (line, rest) = number(rest)?;
        let (places, people) = number(rest)?;
        let whole = line
            .checked_add(places)
            .and_then(|people| people.checked_mul(ONE as u64));
        if whole != Some(people.len() as u64) {
            return Err(KeptError);
        }
        let one = |one: &[u8]| Ok((number(one)?.0, one[8]));
        let people: Vec<_> = people.chunks_exact(ONE).map(one).collect::<Result<_, KeptError>>()?;
        let (line, places) = people.split_at(usize::try_from(line).map_err(|_| KeptError)?);
        Ok(Self {
            at,
            line: line.to_vec(),
            places: places.to_vec(),
        })
    }

    /// As people of a room that has just begun, who count as seen just now: the time between is nobody's fault. None of them
    /// when it was too long ago.
    pub(crate) fn people(self, now: Moment) -> (Vec<Waiting>, Vec<(Moment, Place)>) {
        if now.saturating_sub(self.at) > LONGEST {
            return (Vec::new(), Vec::new());
        }
        let line = self.line.into_iter().map(|(arrival, flag)| Waiting {
            key: 0,
            arrival,
            network: NOBODY,
            seen: 0,
            is_shown: flag == 1,
        });
        let places = self.places.into_iter().map(|(arrival, flag)| {
            let held = [Held::Called, Held::Unshown]
                .into_iter()
                .find(|held| *held as u8 == flag);
            let place = Place {
                network: NOBODY,
                seen: 0,
                held: held.unwrap_or(Held::Inside),
            };
            (arrival, place)
        });
        (line.collect(), places.collect())
    }
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), KeptError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(KeptError)?;
    Ok((u64::from_be_bytes(*number), rest))
}

const MAGIC: &[u8] = b"waiting room 1\n";
const HEAD: usize = MAGIC.len() + 24;
const ONE: usize = 9;
/// An hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;
