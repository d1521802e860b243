//! One round of one server: starts, changes under load, memory.

use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{io, thread};

use super::clients::{Clients, Request, now};
use super::fleet::{Fleet, max_age};
use super::memory;
use super::sample::{Cost, Sample, p99};
use crate::bench::process::{Running, signal};

/// What all rounds share.
pub(crate) struct Bench {
    pub(crate) fleet: Fleet,
    pub(crate) programs: PathBuf,
    pub(crate) edge: PathBuf,
    /// Where the server under test listens; there is one at a time.
    pub(crate) port: u16,
    pub(crate) rate: u32,
}

/// A server with a file for each tenant.
pub(crate) trait Server {
    /// Its name in the report.
    fn name(&self) -> &'static str;

    /// The command that serves.
    fn command(&self) -> Command;

    /// Writes the files of these tenants anew, so that their answers show this version.
    fn write(&self, tenants: Range<usize>, version: u32) -> io::Result<()>;

    /// The command that has it read one tenant's file and wait for the outcome, when it has one.
    fn reload_one(&self, tenant: usize) -> io::Result<Option<Command>>;

    /// How many tenants it has kept for a start with broken files; `None` when it keeps none.
    fn kept(&self) -> Option<usize>;

    /// How many reloads it has told to be done, by its log; `None` when it does not say.
    fn done(&self, log: &str) -> Option<usize>;
}

impl Bench {
    fn clients(&self, tenants: usize) -> Clients {
        Clients {
            program: self.programs.join("rempart-bench-tenants"),
            issuer: self.fleet.issuer(),
            port: self.port,
            tenants,
        }
    }

    /// Measures a server, with all tenants and with few of them.
    pub(crate) fn round(&self, all: &dyn Server, few: &dyn Server) -> io::Result<Sample> {
        let count = self.fleet.tenants;
        let mut sample = Sample::default();
        let (running, cost) = self.start(all, count)?;
        sample.start = cost;
        sample.kept = wait_until_kept(all, count)?;
        let mut held = Memory::after_start(&running)?;
        drop(running);
        let (running, _) = self.start(few, self.fleet.few())?;
        wait_until_kept(few, self.fleet.few())?;
        held.with_few(&running, || self.clients(self.fleet.few()).ask_all())?;
        drop(running);
        let (running, cost) = self.start(all, count)?;
        sample.start_again = sample.kept.map(|_| cost);
        let requests = self.changes(all, &running, &mut sample)?;
        sample.requests = requests.len();
        sample.failed = requests.into_iter().filter_map(|request| request.failed).collect();
        drop(running);
        let (running, _) = self.start(all, count)?;
        wait_until_kept(all, count)?;
        self.clients(count).ask_all()?;
        held.asked = memory::held_by_tree(running.process())?;
        let more = (count - self.fleet.few()) as f64;
        sample.idle = (held.idle as f64 - held.few_idle as f64) / more;
        sample.asked = (held.asked as f64 - held.few_asked as f64) / more;
        Ok(sample)
    }

    /// Starts it, and waits for the last tenant's first answer.
    fn start(&self, server: &dyn Server, tenants: usize) -> io::Result<(Running, Cost)> {
        let watch = self.clients(tenants).watch(tenants - 1)?;
        thread::sleep(CALM);
        let began = now();
        let running = Running::start_anywhere(server.name(), self.fleet.folder(), &server.command())?;
        let answered = watch
            .sees("max-age=")
            .map_err(|error| io::Error::other(format!("{}: {error}\n{}", server.name(), running.said())))?;
        let cpu = running.cpu()?;
        Ok((
            running,
            Cost {
                wall: Duration::from_micros(answered.saturating_sub(began)),
                cpu,
            },
        ))
    }

    /// Changes one tenant, in both ways, and all of them, while others are served.
    fn changes(&self, server: &dyn Server, running: &Running, sample: &mut Sample) -> io::Result<Vec<Request>> {
        let last = self.fleet.tenants - 1;
        // What has just been written is read again by whoever goes by the times of files.
        thread::sleep(SETTLING);
        let load = self.clients(self.fleet.tenants).load(self.rate)?;
        thread::sleep(CALM);
        let quiet = now();
        thread::sleep(BASELINE);
        let quiet = quiet..now();
        let (mut ones, mut named) = (Vec::new(), Vec::new());
        for (tenant, version) in (last - REPEATS..last).zip(1..) {
            ones.push(
                self.change(server, running, tenant..tenant + 1, version, &mut hang_up(running))?
                    .0,
            );
            if let Some(mut command) = server.reload_one(tenant)? {
                let mut by_name = || command.status().map(drop);
                named.push(
                    self.change(server, running, tenant..tenant + 1, version + 100, &mut by_name)?
                        .0,
                );
            }
        }
        let (all, busy) = self.change(server, running, 0..self.fleet.tenants, 1_000, &mut hang_up(running))?;
        let requests = load.end()?;
        sample.one = middle(ones);
        sample.one_named = (!named.is_empty()).then(|| middle(named));
        sample.all = all;
        sample.all_done = server.done("").map(|_| Duration::from_micros(busy.end - busy.start));
        sample.quiet = p99(&requests, quiet.start, quiet.end);
        sample.busy = p99(&requests, busy.start, busy.end);
        Ok(requests)
    }

    /// Writes a new version, has it read, and waits for it: until it is seen, and until everything after that is done.
    fn change(
        &self,
        server: &dyn Server,
        running: &Running,
        tenants: Range<usize>,
        version: u32,
        reload: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<(Cost, Range<u64>)> {
        let watch = self.clients(self.fleet.tenants).watch(tenants.end - 1)?;
        watch.sees("max-age=")?;
        server.write(tenants, version)?;
        thread::sleep(CALM);
        let done = server.done(&running.log());
        let (cpu, began) = (running.cpu()?, now());
        reload()?;
        let seen = watch.sees(&format!("max-age={}", max_age(version)))?;
        drop(watch);
        while server.done(&running.log()) == done && done.is_some() {
            thread::sleep(Duration::from_millis(1));
        }
        let ended = now();
        // A server that goes on for a while with what it had before ends that, too.
        thread::sleep(CALM);
        let cost = Cost {
            wall: Duration::from_micros(seen.saturating_sub(began)),
            cpu: running.cpu()?.saturating_sub(cpu),
        };
        Ok((cost, began..ended))
    }
}

/// Memory in KiB, with all tenants and with few.
struct Memory {
    idle: u64,
    asked: u64,
    few_idle: u64,
    few_asked: u64,
}

impl Memory {
    fn after_start(running: &Running) -> io::Result<Self> {
        Ok(Self {
            idle: memory::held_by_tree(running.process())?,
            asked: 0,
            few_idle: 0,
            few_asked: 0,
        })
    }

    fn with_few(&mut self, running: &Running, ask: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.few_idle = memory::held_by_tree(running.process())?;
        ask()?;
        self.few_asked = memory::held_by_tree(running.process())?;
        Ok(())
    }
}

fn hang_up(running: &Running) -> impl FnMut() -> io::Result<()> {
    let process = running.process();
    move || {
        signal("HUP", process);
        Ok(())
    }
}

/// How long that took; `None` when nothing is ever kept.
fn wait_until_kept(server: &dyn Server, tenants: usize) -> io::Result<Option<Duration>> {
    let began = now();
    while let Some(kept) = server.kept() {
        let waited = Duration::from_micros(now() - began);
        if kept >= tenants {
            return Ok(Some(waited));
        }
        if waited > PATIENCE {
            return Err(io::Error::other(format!("only {kept} of {tenants} tenants were kept")));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

/// The one in the middle, by the clock.
fn middle(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.wall);
    costs.get(costs.len() / 2).copied().unwrap_or_default()
}

/// How often one tenant is changed in a round.
const REPEATS: usize = 3;

/// For what has just begun or ended to have done so.
const CALM: Duration = Duration::from_millis(300);

/// How long nothing changes, for comparison.
const BASELINE: Duration = Duration::from_secs(4);

/// Longer than the steps in which any file system counts time.
const SETTLING: Duration = Duration::from_millis(2_500);

/// For the last good files of all tenants.
const PATIENCE: Duration = Duration::from_secs(300);
