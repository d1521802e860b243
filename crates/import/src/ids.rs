//! Names for tenants, made from their hosts.

use std::collections::HashSet;

use rempart_tenant::{HostPattern, TenantId};

/// Gives names and remembers those that are taken.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<TenantId>,
}

impl Names {
    /// The first label of the first host that says something: `museum` for `www.museum.example`; when that is taken, with
    /// the label after it, then with a number.
    pub(crate) fn name(&mut self, host: Option<&HostPattern>) -> TenantId {
        let labels = host.map(labels).unwrap_or_default();
        let first = labels.first().cloned().unwrap_or_else(|| "site".to_owned());
        let longer = labels.get(1).map(|second| format!("{first}-{second}"));
        let numbered = (2..).map(|number| format!("{}-{number}", &first[..first.len().min(24)]));
        let mut names = std::iter::once(first.clone()).chain(longer).chain(numbered);
        names
            .find_map(|name| self.take(&name))
            .expect("numbers do not run out before names do")
    }

    fn take(&mut self, name: &str) -> Option<TenantId> {
        let id: TenantId = identifier(name).parse().ok()?;
        self.taken.insert(id.clone()).then_some(id)
    }
}

/// The labels of a host without a `www` before them.
fn labels(host: &HostPattern) -> Vec<String> {
    let (HostPattern::Exact(host) | HostPattern::OneBelow(host)) = host;
    let name = host.as_str();
    let name = name
        .strip_prefix("www.")
        .filter(|rest| rest.contains('.'))
        .unwrap_or(name);
    name.trim_matches(['[', ']']).split('.').map(str::to_owned).collect()
}

/// A label as a tenant's name may be: `a-z`, `0-9` and `-`, beginning with a letter, at most 32.
fn identifier(label: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let mut name: String = label.chars().map(plain).collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "site-");
    }
    name.truncate(32);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hosts: &[&str]) -> Vec<String> {
        let mut names = Names::default();
        let name = |host: &&str| names.name(Some(&host.parse().unwrap())).to_string();
        hosts.iter().map(name).collect()
    }

    #[test]
    fn a_tenant_is_named_after_the_first_label_that_says_something() {
        assert_eq!(names(&["www.museum.example"]), ["museum"]);
        assert_eq!(names(&["*.museum.example"]), ["museum"]);
        assert_eq!(names(&["www.example"]), ["www"]);
        assert_eq!(names(&["3d-print.example"]), ["site-3d-print"]);
        assert_eq!(names(&["old_shop.example"]), ["old-shop"]);
        assert_eq!(names(&["[::1]"]), ["site---1"]);
    }

    #[test]
    fn no_two_tenants_have_one_name() {
        let hosts = [
            "a.x.example",
            "www.a.x.example",
            "a.y.example",
            "a.x.example",
            "a.example",
        ];
        assert_eq!(names(&hosts), ["a", "a-x", "a-y", "a-2", "a-example"]);
        assert_eq!(Names::default().name(None).as_str(), "site");
    }

    #[test]
    fn a_long_label_is_cut_and_stays_unique() {
        let long = format!("{}.example", "m".repeat(60));
        let names = names(&[&long, &long, &long]);
        assert!(names.iter().all(|name| name.len() <= 32), "{names:?}");
    }
}
