//! Certificates for a first run, from a CA that cannot sign for anybody else's name.

mod home;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use self::home::{Files, Home};
use crate::names::{RESERVED, is_reserved};
use crate::{Certificate, CertificateError};

/// A certificate authority for development, kept in a directory: `ca.pem` to trust, `ca.key` (mode 0600) to keep.
///
/// It is constrained to servers whose names can never be public, see [`is_reserved`], and to loopback addresses (RFC 5280
/// sections 4.2.1.10 and 4.2.1.12). Whoever trusts it, and even whoever steals its key, can do nothing to a public site;
/// names that are in use inside one's own network, such as those under `.internal` and `.local`, it does reach.
#[derive(Debug)]
pub struct DevelopmentCa {
    issuer: Issuer<'static, KeyPair>,
    not_after: UnixTime,
    path: PathBuf,
}

/// Where a [`DevelopmentCa`] came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Found,
    /// It was made, because there was none.
    Made,
    /// It was made again, because the one that was there had less than a week to live.
    Remade,
}

impl DevelopmentCa {
    /// Opens the CA in `directory`, or makes one there, for 400 days. Processes that start at once agree on one.
    ///
    /// Beside the directory stand `DIRECTORY.lock` and, once a CA has come of age, `DIRECTORY.expired`, the last one before.
    ///
    /// # Errors
    ///
    /// A directory that cannot be written, and a `ca.pem` or `ca.key` that is there but is no CA or no pair: a file that
    /// somebody may have put there on purpose is not overwritten in silence.
    pub fn open_or_create(directory: &Path, now: UnixTime) -> Result<(Self, Origin), DevelopmentCaError> {
        let home = Home::new(directory);
        // Without the lock first: where there is a good one, nothing has to be written.
        if let Ok(Some(found)) = Self::open(&home)
            && found.outlives(now, WEEK)
        {
            return Ok((found, Origin::Found));
        }
        let _locked = home.lock()?;
        let origin = match Self::open(&home)? {
            Some(found) if found.outlives(now, WEEK) => return Ok((found, Origin::Found)),
            Some(_) => Origin::Remade,
            None => Origin::Made,
        };
        if origin == Origin::Remade {
            home.retire()?;
        }
        let made = make(now)?;
        home.publish(&made)?;
        Ok((Self::read(&home, &made)?, origin))
    }

    /// The certificate to trust.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.path
    }

    /// Issues a certificate for these hosts, valid for 90 days, but no longer than the CA's own.
    ///
    /// # Errors
    ///
    /// A host that is not reserved, and could therefore be somebody's.
    pub fn issue<H: AsRef<str>>(&self, hosts: &[H], now: UnixTime) -> Result<Certificate, DevelopmentCaError> {
        if let Some(host) = hosts.iter().map(AsRef::as_ref).find(|host| !is_local(host)) {
            return Err(DevelopmentCaError::Public { host: host.to_owned() });
        }
        let names: Vec<String> = hosts
            .iter()
            .map(|host| host.as_ref().trim_matches(['[', ']']).to_owned())
            .collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = named("Development certificate");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        live(&mut params, now, after(now, LEAF).min(self.not_after));
        let key = KeyPair::generate()?;
        // Without the CA's own: whoever trusts it has it (RFC 8446 section 4.4.2).
        let chain = vec![params.signed_by(&key, &self.issuer)?.der().clone()];
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen writes PKCS #8");
        Ok(Certificate::checked(
            chain, private, hosts, now, &self.path, &self.path,
        )?)
    }

    fn open(home: &Home) -> Result<Option<Self>, DevelopmentCaError> {
        home.read()?.map(|files| Self::read(home, &files)).transpose()
    }

    fn read(home: &Home, files: &Files) -> Result<Self, DevelopmentCaError> {
        let certificate = || DevelopmentCaError::Broken {
            path: home.certificate(),
        };
        let key = KeyPair::from_pem(&files.key).map_err(|_| DevelopmentCaError::Broken { path: home.key() })?;
        let der = files.certificate_der().ok_or_else(certificate)?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| certificate())?;
        if !parsed.is_ca() || parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(certificate());
        }
        let not_after = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| certificate())?;
        Ok(Self {
            issuer,
            not_after: at(not_after),
            path: home.certificate(),
        })
    }

    fn outlives(&self, now: UnixTime, span: Duration) -> bool {
        self.not_after > after(now, span)
    }
}

/// Why there is no development certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevelopmentCaError {
    /// A host that could be public.
    #[error("{host} could be a public name; development certificates are for names such as {}", RESERVED.map(|name| format!(".{name}")).join(", "))]
    Public {
        /// The host.
        host: String,
    },
    /// A file that cannot be read or written.
    #[error("the development CA needs {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file that is there and is not what it should be.
    #[error("{} is not a CA's, or `ca.pem` and `ca.key` beside it are no pair; move them away to have others made", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The certificate could not be made.
    #[error("making a development certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// What was made did not pass the checks that every certificate must.
    #[error(transparent)]
    Check(#[from] CertificateError),
}

impl DevelopmentCaError {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Public { .. } => "tls_development_public_host",
            Self::File { .. } | Self::Broken { .. } => "tls_development_ca",
            Self::Make(_) | Self::Check(_) => "tls_development_certificate",
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = DAY.saturating_mul(7);
const LEAF: Duration = DAY.saturating_mul(90);
const CA: Duration = DAY.saturating_mul(400);

fn is_local(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    is_reserved(host) || address.is_ok_and(|address| address.is_loopback())
}

fn make(now: UnixTime) -> Result<Files, DevelopmentCaError> {
    let mut params = CertificateParams::default();
    // A name of its own: with the leaf's, OpenSSL takes the leaf for self-signed.
    params.distinguished_name = named("Development CA, for local names only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted().collect(),
        excluded_subtrees: Vec::new(),
    });
    live(&mut params, now, after(now, CA));
    let key = KeyPair::generate()?;
    Ok(Files {
        certificate: params.self_signed(&key)?.pem(),
        key: key.serialize_pem(),
    })
}

/// Kinds of name that are not mentioned are not constrained: addresses have to be.
fn permitted() -> impl Iterator<Item = GeneralSubtree> {
    let names = RESERVED.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let loopback = [
        CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8),
        CidrSubnet::from_v6_prefix(std::net::Ipv6Addr::LOCALHOST.octets(), 128),
    ];
    names.chain(loopback.map(GeneralSubtree::IpAddress))
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn after(now: UnixTime, span: Duration) -> UnixTime {
    at(now.as_secs().saturating_add(span.as_secs()))
}

/// From an hour before `now`, because clocks differ.
fn live(params: &mut CertificateParams, now: UnixTime, end: UnixTime) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since = |seconds: u64| epoch + Duration::from_secs(seconds.min(END_OF_TIME));
    (params.not_before, params.not_after) = (since(now.as_secs().saturating_sub(3600)), since(end.as_secs()));
}

/// The last second of the year 9999, after which X.509 has no dates (RFC 5280 section 4.1.2.5).
const END_OF_TIME: u64 = 253_402_300_799;
