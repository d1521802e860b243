use rempart_config::{Scope, TENANTS_DIRECTORY};
use rempart_proxy::Control;
use rempart_tenant::TenantId;
use serde::Deserialize;

use crate::refusal::Refusal;

/// Which tenants somebody asks for, as it was written.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `None` is all.
    #[serde(default)]
    tenants: Option<Vec<String>>,
}

impl Asked {
    /// `{"tenants": ["library"]}`, or nothing at all.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let asked: Self = serde_json::from_slice(body).map_err(|error| Refusal::BodyInvalid(error.to_string()))?;
        match &asked.tenants {
            Some(none) if none.is_empty() => {
                let message = "`tenants` names none; leave it out for all of them";
                Err(Refusal::BodyInvalid(message.to_owned()))
            }
            _ => Ok(asked),
        }
    }

    /// `tenant=library&tenant=city`, or nothing at all.
    pub(crate) fn of_query(query: Option<&str>) -> Result<Self, Refusal> {
        let mut tenants = None;
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            match pair.split_once('=') {
                Some(("tenant", name)) => tenants.get_or_insert_with(Vec::new).push(name.to_owned()),
                _ => {
                    return Err(Refusal::QueryInvalid(
                        "only `tenant=NAME` is known, once or more".into(),
                    ));
                }
            }
        }
        Ok(Self { tenants })
    }

    /// That a path takes no query.
    pub(crate) fn nothing(query: Option<&str>) -> Result<(), Refusal> {
        match query {
            None | Some("") => Ok(()),
            Some(_) => Err(Refusal::QueryInvalid("this path takes none".into())),
        }
    }

    /// The one tenant that a path is about.
    pub(crate) fn one(self) -> Result<String, Refusal> {
        match self.tenants.map(<[String; 1]>::try_from) {
            Some(Ok([tenant])) => Ok(tenant),
            _ => Err(Refusal::QueryInvalid("name one tenant: `tenant=NAME`".into())),
        }
    }

    /// The tenants, each of which must be served or have a file: a name that was mistyped is not silently nobody's.
    pub(crate) fn scope(self, control: &Control) -> Result<Scope, Refusal> {
        let Some(names) = self.tenants else {
            return Ok(Scope::All);
        };
        let files = control.directory().join(TENANTS_DIRECTORY);
        let known = |name: String| match name.parse::<TenantId>() {
            Ok(id) if control.knows(&id) || files.join(format!("{id}.toml")).symlink_metadata().is_ok() => Ok(id),
            _ => Err(Refusal::TenantUnknown(name)),
        };
        names
            .into_iter()
            .map(known)
            .collect::<Result<_, _>>()
            .map(Scope::Tenants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Asked {
        Asked {
            tenants: Some(names.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn a_body_names_tenants_or_means_all() {
        assert_eq!(Asked::of_body(b"").unwrap(), Asked::default());
        assert_eq!(Asked::of_body(b"{}").unwrap(), Asked::default());
        assert_eq!(Asked::of_body(br#"{"tenants":["a","b"]}"#).unwrap(), named(&["a", "b"]));
    }

    #[test]
    fn a_body_with_anything_else_is_refused() {
        for body in [
            "[]x",
            "null",
            "{\"tenants\":[]}",
            "{\"tenants\":\"a\"}",
            "{\"tenant\":[\"a\"]}",
            "{\"tenants\":[\"a\"],\"force\":true}",
            "{\"tenants\":[\"a\"]} {}",
            "\u{0}",
        ] {
            let refused = Asked::of_body(body.as_bytes());
            assert!(matches!(refused, Err(Refusal::BodyInvalid(_))), "{body}: {refused:?}");
        }
        let deep = "[".repeat(60_000);
        assert!(Asked::of_body(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_query_names_tenants_and_nothing_else() {
        assert_eq!(Asked::of_query(None).unwrap(), Asked::default());
        assert_eq!(Asked::of_query(Some("tenant=a&tenant=b")).unwrap(), named(&["a", "b"]));
        for query in ["tenants=a", "tenant", "tenant=a&", "force=1", "a=b=c"] {
            assert!(Asked::of_query(Some(query)).is_err(), "{query}");
        }
        assert!(Asked::nothing(Some("tenant=a")).is_err());
        assert_eq!(Asked::of_query(Some("tenant=a")).unwrap().one().unwrap(), "a");
        assert!(Asked::of_query(None).unwrap().one().is_err());
        assert!(Asked::of_query(Some("tenant=a&tenant=b")).unwrap().one().is_err());
    }
}
