//! curl with a cookie jar: what a person's browser keeps and sends.

use std::fs;

use super::clients::Answer;
use super::running::Running;

/// One person at one edge. Redirects are not followed: where they lead is part of what is tested.
pub(crate) struct Browser<'a> {
    edge: &'a Running,
    jar: tempfile::NamedTempFile,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(edge: &'a Running) -> Self {
        Self {
            edge,
            jar: tempfile::NamedTempFile::new().unwrap(),
        }
    }

    pub(crate) fn get(&self, tenant: &str, path: &str) -> Answer {
        self.curl(tenant, path, &[])
    }

    /// Sends a form.
    pub(crate) fn post(&self, tenant: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["-X", "POST"];
        for field in &fields {
            arguments.extend(["--data-urlencode", field]);
        }
        self.curl(tenant, path, &arguments)
    }

    /// With more arguments for curl.
    pub(crate) fn curl(&self, tenant: &str, path: &str, arguments: &[&str]) -> Answer {
        let jar = self.jar.path().to_str().unwrap();
        let mut all = vec!["-c", jar, "-b", jar];
        all.extend(arguments);
        self.edge.curl(tenant, path, &all)
    }

    /// The cookies that are kept, as lines of Netscape's format: domain, whether its siblings get the cookie too, path,
    /// whether it is for HTTPS only, when it ends, name, value.
    pub(crate) fn cookies(&self) -> Vec<[String; 7]> {
        let text = fs::read_to_string(self.jar.path()).unwrap();
        text.lines()
            .map(|line| line.strip_prefix("#HttpOnly_").unwrap_or(line))
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
                fields.try_into().unwrap()
            })
            .collect()
    }

    /// The value of a cookie, sealed as it is.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        cookies
            .into_iter()
            .find(|cookie| cookie[5] == name)
            .map(|cookie| cookie[6].clone())
    }
}
