//! Who tries to log in, from where, with what and by which program: as keyed hashes and nothing else.

use std::net::IpAddr;
use std::time::SystemTime;

use http::request;
use rempart_counts::{Key, Keys};
use rempart_guard::{ClientNetwork, Downstream, EdgeSessions, Ja4, TlsFingerprint};

use crate::LoginPolicy;
use crate::credentials::Credentials;
use crate::device::{Device, LoginKeys, Tag};
use crate::policy::Purpose;

/// All that is known of one try.
pub(crate) struct Subject {
    pub(crate) purpose: Purpose,
    pub(crate) network: ClientNetwork,
    pub(crate) account: Option<Account>,
    pub(crate) strangers: Key,
    pub(crate) residents: Key,
    pub(crate) password: Option<PasswordKeys>,
    pub(crate) session: Option<Key>,
    pub(crate) program: Option<Key>,
    pub(crate) code: Key,
    /// The account that the browser of a code was used for last.
    pub(crate) coded: Option<Key>,
    pub(crate) device: Option<Device>,
}

/// An account, in all the places where it is counted.
pub(crate) struct Account {
    pub(crate) tag: Tag,
    /// From everywhere.
    pub(crate) everywhere: Key,
    /// In this network.
    pub(crate) here: Key,
    /// In this browser, when somebody has logged in with it as this account.
    pub(crate) own: Option<Key>,
    pub(crate) unfinished: Key,
}

/// A password, wherever it is tried, and where it is tried here.
pub(crate) struct PasswordKeys {
    pub(crate) everywhere: Key,
    pub(crate) here: Key,
}

impl Subject {
    /// Hashes what a request says. Nothing of it is kept.
    pub(crate) fn of(
        (policy, login_keys, keys): (&LoginPolicy, &LoginKeys, &Keys),
        purpose: Purpose,
        (head, downstream): (&request::Parts, Downstream),
        credentials: &Credentials,
        now: SystemTime,
    ) -> Self {
        let keying = policy.keying;
        let network = downstream.client.network(keying.ipv4_prefix, keying.ipv6_prefix);
        let place = place(network);
        let device = policy.device_cookie.as_deref();
        let device = device.and_then(|cookie| Device::of(login_keys, cookie, &head.headers, now));
        let session = head
            .extensions
            .get::<EdgeSessions>()
            .and_then(|sessions| sessions.0.first());
        let session = session.map(|session| keys.key(&[b"session", &session.id.0]));
        let kind: &[u8] = if purpose == Purpose::Reset { b"reset" } else { b"login" };
        let coded = device.as_ref().and_then(Device::latest);
        let number = device.as_ref().map_or(&place[..], |device| &device.number);
        Self {
            purpose,
            network,
            account: credentials
                .account
                .as_deref()
                .map(|name| Account::of((login_keys, keys), name, &place, device.as_ref())),
            strangers: keys.key(&[b"network", kind, &place]),
            residents: keys.key(&[b"residents", &place]),
            password: credentials.password.as_deref().map(|password| PasswordKeys {
                everywhere: keys.key(&[b"password", password]),
                here: keys.key(&[b"password here", password, &place]),
            }),
            session,
            program: program(head).map(|program| keys.key(&[b"program", &program])),
            code: session.unwrap_or_else(|| keys.key(&[b"code", number])),
            coded: coded.map(|tag| keys.key(&[b"unfinished", &tag])),
            device,
        }
    }

    /// As a person is told of the account: enough to find it again in the log, and no name.
    pub(crate) fn short(&self) -> Option<String> {
        let account = self.account.as_ref()?;
        Some(format!("{:08x}", account.everywhere.bits() >> 96))
    }
}

impl Account {
    fn of((login_keys, keys): (&LoginKeys, &Keys), name: &str, place: &[u8], device: Option<&Device>) -> Self {
        let (tag, bytes) = (login_keys.tag(name), name.as_bytes());
        let own = device.filter(|device| device.knows(login_keys, name));
        Self {
            tag,
            everywhere: keys.key(&[b"account", bytes]),
            here: keys.key(&[b"here", bytes, place]),
            own: own.map(|device| keys.key(&[b"own", bytes, &device.number])),
            unfinished: keys.key(&[b"unfinished", &tag]),
        }
    }
}

fn place(network: ClientNetwork) -> Vec<u8> {
    match network.address() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// What kind of program it is: its JA4, and else the edge's own hash of the same.
fn program(head: &request::Parts) -> Option<Vec<u8>> {
    let ja4 = head.extensions.get::<Ja4>().map(|ja4| ja4.as_str().as_bytes().to_vec());
    ja4.or_else(|| Some(head.extensions.get::<TlsFingerprint>()?.to_string().into_bytes()))
}
