//! Certificates for a first run, from a CA that cannot sign for anybody else's name.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::names::{RESERVED, is_reserved};
use crate::{Certificate, CertificateError};

/// A certificate authority for development, kept in a directory: `ca.pem` to trust, `ca.key` (mode 0600) to keep.
///
/// It is constrained (RFC 5280 section 4.2.1.10) to names that can never be public, see [`is_reserved`], and to loopback
/// addresses. Whoever trusts it, and even whoever steals its key, can do nothing to a real site.
#[derive(Debug)]
pub struct DevelopmentCa {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    path: PathBuf,
}

/// Where a [`DevelopmentCa`] came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Found,
    /// It was made, because there was none.
    Made,
    /// It was made again, because the one that was there had less than a day to live.
    Remade,
}

impl DevelopmentCa {
    /// Opens the CA in `directory`, or makes one there. Two processes that start at once agree on one.
    ///
    /// # Errors
    ///
    /// A directory that cannot be written, and a `ca.pem` or `ca.key` that is there but is no CA or no pair: a file that
    /// somebody may have put there on purpose is not overwritten in silence.
    pub fn open_or_create(directory: &Path, now: UnixTime) -> Result<(Self, Origin), DevelopmentCaError> {
        if !directory.join(CERTIFICATE).exists() {
            let made = publish(directory, now)?;
            return Ok((Self::open(directory)?, if made { Origin::Made } else { Origin::Found }));
        }
        let ca = Self::open(directory)?;
        if ca.not_after()? > now.as_secs() + DAY {
            return Ok((ca, Origin::Found));
        }
        retire(directory, now)?;
        publish(directory, now)?;
        Ok((Self::open(directory)?, Origin::Remade))
    }

    /// The certificate to trust.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.path
    }

    /// Issues a certificate for these hosts, valid for 90 days.
    ///
    /// # Errors
    ///
    /// A host that is not reserved, and could therefore be somebody's.
    pub fn issue<H: AsRef<str>>(&self, hosts: &[H], now: UnixTime) -> Result<Certificate, DevelopmentCaError> {
        for host in hosts.iter().map(AsRef::as_ref) {
            let host = host.strip_prefix("*.").unwrap_or(host);
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            if !is_reserved(host) && !address.is_ok_and(|address| address.is_loopback()) {
                return Err(DevelopmentCaError::Public { host: host.to_owned() });
            }
        }
        let names: Vec<String> = hosts
            .iter()
            .map(|host| host.as_ref().trim_matches(['[', ']']).to_owned())
            .collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = named(&format!(
            "{} (development)",
            hosts.first().map_or("site", AsRef::as_ref)
        ));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = period(now, LEAF_DAYS)?;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen writes PKCS #8");
        let chain = vec![leaf.der().clone(), self.der.clone()];
        Ok(Certificate::checked(
            chain, private, hosts, now, &self.path, &self.path,
        )?)
    }

    fn open(directory: &Path) -> Result<Self, DevelopmentCaError> {
        let (path, key_path) = (directory.join(CERTIFICATE), directory.join(KEY));
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| DevelopmentCaError::File {
                path: path.to_path_buf(),
                error,
            })
        };
        let broken = |path: &Path| DevelopmentCaError::Broken {
            path: path.to_path_buf(),
        };
        let (pem, key) = (read(&path)?, read(&key_path)?);
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| broken(&path))?;
        let key = KeyPair::from_pem(&key).map_err(|_| broken(&key_path))?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| broken(&path))?;
        if !parsed.is_ca() || parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(broken(&path));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| broken(&path))?;
        Ok(Self {
            issuer,
            der: der.into_owned(),
            path,
        })
    }

    fn not_after(&self) -> Result<u64, DevelopmentCaError> {
        let (_, parsed) = X509Certificate::from_der(&self.der).map_err(|_| DevelopmentCaError::Broken {
            path: self.path.clone(),
        })?;
        Ok(u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0))
    }
}

/// Why there is no development certificate.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentCaError {
    /// A host that could be public.
    #[error("{host} could be a public name; development certificates are for names such as {}", RESERVED.map(|name| format!(".{name}")).join(", "))]
    Public {
        /// The host.
        host: String,
    },
    /// A file that cannot be read or written.
    #[error("the development CA {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file that is there and is not what it should be.
    #[error("{} is not a CA with its key; remove the directory to have a new one made", path.display())]
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

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const DAY: u64 = 86_400;
const LEAF_DAYS: i64 = 90;
const CA_DAYS: i64 = 400;

/// Makes a CA in a directory of its own and moves that into place, so that certificate and key are there together or not at
/// all. Says whether it was this process' that went there; when another's did, that one is as good.
fn publish(directory: &Path, now: UnixTime) -> Result<bool, DevelopmentCaError> {
    let failed = |error| DevelopmentCaError::File {
        path: directory.to_path_buf(),
        error,
    };
    let key = KeyPair::generate()?;
    let certificate = ca_params(now)?.self_signed(&key)?;
    let unique = hex(&key.public_key_raw()[..8.min(key.public_key_raw().len())]);
    let made = beside(directory, &format!("new-{}-{unique}", std::process::id()));
    let write = |name: &str, text: &str, mode| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(made.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let place = || {
        fs::create_dir_all(&made)?;
        write(KEY, &key.serialize_pem(), 0o600)?;
        write(CERTIFICATE, &certificate.pem(), 0o644)?;
        match fs::rename(&made, directory) {
            Ok(()) => Ok(true),
            Err(error) if directory.join(CERTIFICATE).exists() => {
                let _ = error;
                fs::remove_dir_all(&made).map(|()| false)
            }
            Err(error) => Err(error),
        }
    };
    place().map_err(failed)
}

/// Moves an expired CA out of the way, where it can still be looked at.
fn retire(directory: &Path, now: UnixTime) -> Result<(), DevelopmentCaError> {
    let old = beside(directory, &format!("expired-{}", now.as_secs()));
    match fs::rename(directory, old) {
        // Another process was faster.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DevelopmentCaError::File {
            path: directory.to_path_buf(),
            error,
        }),
        _ => Ok(()),
    }
}

fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut path = directory.as_os_str().to_owned();
    path.push(format!(".{suffix}"));
    path.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ca_params(now: UnixTime) -> Result<CertificateParams, DevelopmentCaError> {
    let mut params = CertificateParams::default();
    // A name of its own: with the leaf's, OpenSSL takes the leaf for self-signed.
    params.distinguished_name = named("Development CA, not for real sites");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = RESERVED.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let loopback = [
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(std::net::Ipv6Addr::LOCALHOST.octets(), 128)),
    ];
    let permitted_subtrees = names.chain(loopback).collect();
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees,
        excluded_subtrees: Vec::new(),
    });
    (params.not_before, params.not_after) = period(now, CA_DAYS)?;
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From an hour ago, because clocks differ, for so many days.
fn period(now: UnixTime, days: i64) -> Result<(OffsetDateTime, OffsetDateTime), DevelopmentCaError> {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| rcgen::Error::Time)?;
    Ok((now - Duration::hours(1), now + Duration::days(days)))
}
