//! `GET /v1/sessions` and `POST /v1/sessions/kill`.

use std::sync::Arc;

use rempart_sessions::{SessionInfo, Sessions, Which};
use rempart_tenant::TenantId;
use serde::{Deserialize, Serialize};

use crate::administration::Administration;
use crate::asked::Asked;
use crate::refusal::{Answer, Refusal, json};

/// Who is logged in at one tenant.
pub(crate) fn list(administration: &Administration, asked: Asked) -> Result<Answer, Refusal> {
    let (tenant, sessions) = of_tenant(administration, asked.one()?)?;
    let mut listed = sessions.list();
    let more = listed.len().saturating_sub(MOST_LISTED);
    listed.truncate(MOST_LISTED);
    Ok(json(&Listed {
        tenant,
        enforcement: sessions.policy().enforcement().as_str(),
        sessions: listed,
        more,
    }))
}

/// Ends sessions of one tenant, from each one's next request on.
pub(crate) fn kill(administration: &Administration, body: &[u8]) -> Result<Answer, Refusal> {
    let asked: Kill = serde_json::from_slice(body).map_err(|error| Refusal::BodyInvalid(error.to_string()))?;
    let which = asked.which()?;
    let (tenant, sessions) = of_tenant(administration, asked.tenant)?;
    let ended = sessions.kill(&which)?;
    tracing::info!(%tenant, ended, which = which_word(&which), "sessions were ended through the administration socket");
    let enforcement = sessions.policy().enforcement();
    let mut summary = match &which {
        Which::All => format!("ended: every session of {tenant}, {ended} of them known"),
        Which::Account(account) => format!("ended: every session of {account:?} at {tenant}, {ended} of them known"),
        Which::Number(number) => format!("ended: session {number} of {tenant}"),
    };
    match enforcement.as_str() {
        "enforce" => {}
        "report" => summary.push_str("\n[sessions] is in `report` there: their next requests are told, and pass"),
        _ => summary.push_str("\n[sessions] is off there: nothing happens until it is switched on"),
    }
    Ok(json(&Killed {
        tenant,
        enforcement: enforcement.as_str(),
        ended,
        summary,
    }))
}

fn of_tenant(administration: &Administration, name: String) -> Result<(TenantId, Arc<Sessions>), Refusal> {
    let id = name.parse::<TenantId>().ok();
    let found = id.and_then(|id| Some((administration.control().sessions(&id)?, id)));
    let (sessions, id) = found.ok_or(Refusal::TenantUnknown(name))?;
    Ok((id, sessions))
}

/// An account's name may be a person's: it is not written into the log.
const fn which_word(which: &Which) -> &'static str {
    match which {
        Which::All => "all",
        Which::Account(_) => "account",
        Which::Number(_) => "number",
    }
}

#[derive(Serialize)]
struct Listed {
    tenant: TenantId,
    enforcement: &'static str,
    sessions: Vec<SessionInfo>,
    /// How many more there are.
    more: usize,
}

#[derive(Serialize)]
struct Killed {
    tenant: TenantId,
    enforcement: &'static str,
    /// How many of them were known.
    ended: usize,
    /// For a person.
    summary: String,
}

/// Exactly one of `all`, `account` and `id`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kill {
    tenant: String,
    #[serde(default)]
    all: bool,
    account: Option<String>,
    id: Option<String>,
}

impl Kill {
    fn which(&self) -> Result<Which, Refusal> {
        match (self.all, &self.account, &self.id) {
            (true, None, None) => Ok(Which::All),
            (false, Some(account), None) if !account.is_empty() => Ok(Which::Account(account.clone())),
            (false, None, Some(id)) => Ok(Which::Number(id.clone())),
            _ => {
                let message = "say exactly one of `\"all\": true`, `account` and `id`";
                Err(Refusal::BodyInvalid(message.to_owned()))
            }
        }
    }
}

/// More is not read by anybody; all of them are in the thousands, not in the millions.
const MOST_LISTED: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_says_exactly_what_it_ends() {
        let which = |body: &str| {
            serde_json::from_str::<Kill>(body)
                .map_err(drop)
                .and_then(|kill| kill.which().map_err(drop))
        };
        assert_eq!(which(r#"{"tenant":"a","all":true}"#), Ok(Which::All));
        assert_eq!(
            which(r#"{"tenant":"a","account":"17"}"#),
            Ok(Which::Account("17".into()))
        );
        assert_eq!(
            which(r#"{"tenant":"a","id":"0a1b2c"}"#),
            Ok(Which::Number("0a1b2c".into()))
        );
        for body in [
            r#"{"tenant":"a"}"#,
            r#"{"tenant":"a","all":false}"#,
            r#"{"tenant":"a","all":true,"account":"17"}"#,
            r#"{"tenant":"a","account":""}"#,
            r#"{"tenant":"a","accounts":["17"]}"#,
            r#"{"all":true}"#,
            "",
        ] {
            assert_eq!(which(body), Err(()), "{body}");
        }
    }
}
