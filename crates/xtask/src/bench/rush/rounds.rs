//! The servers' turns: quiet and flood by turns, while the neighbours go on.

use std::time::Duration;
use std::{io, thread};

use super::Options;
use super::clients::{Flood, Flooded, Request, Steady, now};
use super::scene::Scene;
use super::servers::{Kind, Server};
use super::share::Share;

/// One server's turn in one round.
pub(crate) struct Measured {
    pub(crate) server: Kind,
    /// The neighbours' requests while nobody floods.
    pub(crate) quiet: Vec<Request>,
    pub(crate) floods: Vec<Flooding>,
}

/// One flood of a turn.
pub(crate) struct Flooding {
    pub(crate) flood: Flood,
    /// Microseconds since 1970.
    pub(crate) began: u64,
    /// The neighbours' requests meanwhile.
    pub(crate) requests: Vec<Request>,
    /// Those that were lost meanwhile, or in the pause after it.
    pub(crate) lost: Vec<String>,
    pub(crate) flooded: Flooded,
    /// Which part of its core the server used.
    pub(crate) busy: f64,
}

/// Lets one server have its turn.
///
/// # Errors
///
/// When something could not be run or measured.
pub(crate) fn turn(kind: Kind, options: &Options, scene: &Scene) -> io::Result<Measured> {
    let server = Server::start(kind, scene)?;
    let steady = Steady::begin(scene, server.port, options.rate)?;
    thread::sleep(SETTLING);
    let mut windows = Windows::default();
    for flood in options.floods() {
        windows.quiet.push(window(options.quiet()));
        windows.floods.push(flooding(flood, &server, options, scene)?);
        thread::sleep(SETTLING);
    }
    windows.quiet.push(window(options.quiet()));
    Ok(windows.sort(kind, &steady.end()?))
}

/// From when to when, in microseconds since 1970.
type Span = std::ops::Range<u64>;

#[derive(Default)]
struct Windows {
    quiet: Vec<Span>,
    floods: Vec<(Flood, Span, Flooded, f64)>,
}

impl Windows {
    fn sort(self, server: Kind, requests: &[Request]) -> Measured {
        let within = |span: &Span| {
            let span = span.clone();
            let due = requests.iter().filter(move |request| span.contains(&request.due));
            due.cloned()
        };
        let floods = self.floods.into_iter().map(|(flood, span, flooded, busy)| {
            let after = span.start..span.end + SETTLING.as_micros() as u64;
            Flooding {
                flood,
                began: span.start,
                requests: within(&span).collect(),
                lost: within(&after).filter_map(|request| request.lost).collect(),
                flooded,
                busy,
            }
        });
        Measured {
            server,
            floods: floods.collect(),
            quiet: self.quiet.iter().flat_map(within).collect(),
        }
    }
}

fn window(length: Duration) -> Span {
    let from = now();
    thread::sleep(length);
    from..now()
}

/// The whole of a flood counts, its first moments too.
fn flooding(
    flood: Flood,
    server: &Server,
    options: &Options,
    scene: &Scene,
) -> io::Result<(Flood, Span, Flooded, f64)> {
    let size = Share::OF_A_TENANT.times(options.times);
    let (from, used) = (now(), server.running.cpu()?);
    let flooded = flood.run(scene, server.flooded, size, options.flood())?;
    let to = now();
    let used = server.running.cpu()?.saturating_sub(used);
    let busy = used.as_secs_f64() / Duration::from_micros(to - from).as_secs_f64();
    Ok((flood, from..to, flooded, busy))
}

/// For what has just begun or ended to have done so.
const SETTLING: Duration = Duration::from_millis(500);
