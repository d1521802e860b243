use std::path::{Path, PathBuf};

use rempart_guard::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The certificate of a tenant: where it is. Both keys or neither; with neither, the development CA issues one when the
/// vendor allows it, and else the tenant is refused.
///
/// ```toml
/// [tls]
/// certificate = "tls/library.pem"
/// key_file = "tls/library.key"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The certificate chain, PEM, the site's own certificate first. A relative path begins at the directory of
    /// `rempart.toml`. It must be for all of the tenant's hosts.
    #[schemars(extend("x-form" = "path"))]
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM (PKCS #8, PKCS #1 or SEC1). A relative path begins at the directory of
    /// `rempart.toml`. Nobody but the edge's account should be able to read it.
    #[schemars(extend("x-form" = "path"))]
    pub key_file: Option<PathBuf>,
}

/// The two files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl TlsSettings {
    /// The files, with relative paths taken from `directory`; `None` when neither is named.
    ///
    /// # Errors
    ///
    /// One without the other.
    pub fn resolve(&self, directory: &Path) -> Result<Option<TlsFiles>, Problem> {
        match (&self.certificate, &self.key_file) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
                certificate: directory.join(certificate),
                key: directory.join(key),
            })),
            (Some(_), None) => Err(Problem::new(
                ["certificate"],
                "tls_half",
                "a certificate without `key_file`",
            )),
            (None, Some(_)) => Err(Problem::new(["key_file"], "tls_half", "a key without `certificate`")),
        }
    }
}
