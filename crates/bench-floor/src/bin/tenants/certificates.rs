//! Ten thousand certificates of the kind that a public authority issues: ECDSA P-256, sent with their issuer's.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::{BoxError, name};

/// Writes the issuer and all certificates with their keys.
pub(crate) fn make(folder: &Path, count: usize) -> Result<(), BoxError> {
    fs::create_dir_all(folder)?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    fs::write(folder.join("issuer.pem"), issuer.pem())?;
    for tenant in (0..count).map(name) {
        let key = KeyPair::generate()?;
        let own = CertificateParams::new([format!("{tenant}.localhost")])?.signed_by(&key, &issuer)?;
        fs::write(folder.join(format!("{tenant}.pem")), own.pem() + &issuer.pem())?;
        fs::write(folder.join(format!("{tenant}.key")), key.serialize_pem())?;
    }
    Ok(())
}
