use std::sync::Arc;

use rempart_guard::SessionId;
use serde::{Deserialize, Serialize};

use crate::Sessions;
use crate::ended::Why;
use crate::kept::read_id;
use crate::moment::Moment;
use crate::table::Table;

/// What was ended at one node, for the others: a logout, a login that gave another number, a kill.
///
/// As JSON it names accounts in clear: whoever carries it from node to node seals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// When, in milliseconds since 1970.
    at: Moment,
    what: Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Revoked {
    All,
    Account(String),
    Session { id: String, why: String },
}

/// Who is told of what ends here.
pub(crate) type Teller = Arc<dyn Fn(Revocation) + Send + Sync>;

impl Sessions {
    /// Tells of everything that is ended from now on before its time, so that it can be ended at other nodes too. Called with
    /// locks held: it must not wait, and must not call back. Only the first teller of a tenant's sessions is told.
    pub fn tell(&self, teller: impl Fn(Revocation) + Send + Sync + 'static) {
        let _ = self.table.teller.set(Arc::new(teller));
    }

    /// Ends what was ended at another node, as if it had been here. What is heard twice is ended once. `kill` of everything, or
    /// of an account, ends what began before it was said there, by that node's clock.
    pub fn hear(&self, revocation: &Revocation) {
        let (limits, now) = (self.limits(), self.now());
        // A clock that is ahead of ours ends nothing that has yet to begin here.
        let at = revocation.at.min(now);
        let mut writer = self.table.writer().silent();
        match &revocation.what {
            Revoked::All => {
                writer.kill_all(limits, at);
            }
            Revoked::Account(account) => {
                writer.kill_account(account, limits, at);
            }
            Revoked::Session { id, why } => {
                let Some((id, why)) = read_id(id).zip(Why::read(why)) else {
                    return;
                };
                match why {
                    Why::Renewed(_) => writer.end(id, why, limits, at),
                    _ => writer.end_with(id, why, limits, at),
                }
            }
        }
    }
}

impl Table {
    pub(crate) fn tell_of(&self, id: SessionId, why: Why, at: Moment) {
        self.tell(at, || Revoked::Session {
            id: id.to_string(),
            why: why.as_str().to_owned(),
        });
    }

    pub(crate) fn tell_of_account(&self, account: &str, at: Moment) {
        self.tell(at, || Revoked::Account(account.to_owned()));
    }

    pub(crate) fn tell_of_all(&self, at: Moment) {
        self.tell(at, || Revoked::All);
    }

    fn tell(&self, at: Moment, what: impl FnOnce() -> Revoked) {
        if let Some(teller) = self.teller.get() {
            teller(Revocation { at, what: what() });
        }
    }
}
