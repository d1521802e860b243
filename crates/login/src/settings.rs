use std::path::PathBuf;

use rempart_counts::Rate;
use rempart_guard::{Day, Enforcement, RoutePattern, duration_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Then;

/// Where people log in, how a wrong password is known, and how many of them there may be.
///
/// ```toml
/// [login]
/// routes = ["POST /login"]
/// account_fields = ["username", "email"]
/// failed = { body = "Mot de passe invalide" }
///
/// [login.limits]
/// account_network = "20/h burst 10"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoginSettings {
    /// `enforce` slows and refuses, `report` tells what would have been done and slows nobody, `off` does nothing. Nothing is
    /// done either while no route is named.
    pub enforcement: Enforcement,
    /// Until when the control is meant to be in `report`: a day such as `"2026-12-31"`. It changes nothing by itself; when
    /// the day is over and the control still reports only, `rempart check` says so.
    #[schemars(with = "Option<Day>")]
    pub report_until: Option<String>,
    /// The routes that take a password: a method and a path such as `"POST /login"`. Not the page that shows the form. None
    /// by default.
    #[schemars(with = "Vec<RoutePattern>")]
    pub routes: Vec<String>,
    /// The routes that send a new password, or a link to choose one. Every request is counted, whatever the answer.
    #[schemars(with = "Vec<RoutePattern>")]
    pub reset_routes: Vec<String>,
    /// The routes that take a code after the password. A code has six digits and no more, so it is guessed sooner than a
    /// password. Their failures are known by the same marks as those of passwords.
    #[schemars(with = "Vec<RoutePattern>")]
    pub code_routes: Vec<String>,
    /// The fields in which the account stands, in a form, in JSON or in the query, in upper or lower case. Name only those
    /// that the application reads: a request that names two accounts is refused.
    #[schemars(length(max = MOST_FIELDS))]
    pub account_fields: Vec<String>,
    /// The fields in which the password stands.
    #[schemars(length(max = MOST_FIELDS))]
    pub password_fields: Vec<String>,
    /// How an answer to a wrong password looks. Any one mark is enough.
    pub failed: MarksSettings,
    /// How an answer to a right password looks. Once something is written here, every other answer is a failure. With nothing
    /// here and something in `failed`, every other answer is a success. With nothing in either, a redirect that leads
    /// elsewhere than back to one of the routes is a success, and everything else a failure: that fits most forms, but not an
    /// application that answers a script with 200 and JSON, which needs `succeeded = { status = [200] }`.
    pub succeeded: MarksSettings,
    /// How many failures there may be.
    pub limits: LimitsSettings,
    /// How many failures of an account in one place are free. From the next one on each try waits: one second, two, four, up
    /// to `max_delay`. From 0 to 100.
    #[schemars(range(max = MOST_FREE))]
    pub free_failures: u32,
    /// The longest that a try is made to wait, up to `"60s"`. `"0s"` lets nobody wait.
    #[schemars(schema_with = "duration_schema", extend("x-least" = "0s", "x-most" = "60s", "examples" = ["5s", "15s"], "default" = "15s"))]
    pub max_delay: String,
    /// How many tries may be waiting at once, from 1 to 65536. One more is refused instead, and told to come back after its
    /// delay.
    #[schemars(range(min = MAX_WAITING.0, max = MAX_WAITING.1))]
    pub max_waiting: u32,
    /// What happens to a stranger when a limit is used up that strangers share (`account`, `network`, `password`): `refuse`
    /// answers 429; `step_up` lets the try go on to the application with `step_up_header`. Choose it only when the
    /// application asks for a second proof then: if it does not, the guesses are let through. The limits of one account in one
    /// place, of a session and of codes refuse in either case.
    #[schemars(extend("enum" = Then::ALL.map(Then::as_str)))]
    pub then: String,
    /// The header that tells the application to ask for a second proof; its value is the reason. One that a client sends is
    /// taken away.
    #[schemars(regex(pattern = HEADER_PATTERN), extend("x-form" = "header name"))]
    pub step_up_header: String,
    /// How long the answer to a wrong password, or to a request for a new one, takes at least, up to `"10s"`, so that the time
    /// does not tell whether there is such an account. More than the application ever needs: such as `"800ms"`. None by
    /// default.
    #[schemars(schema_with = "optional_duration_schema", extend("x-least" = "1ms", "x-most" = "10s", "examples" = ["800ms", "2s"]))]
    pub even_timing: Option<String>,
    /// The cookie in which a browser keeps, signed, as whom somebody has logged in with it, for half a year. It has a count of
    /// its own, which no stranger uses up. An empty text sets none.
    #[schemars(regex(pattern = COOKIE_PATTERN), extend("x-form" = "cookie name"))]
    pub device_cookie: String,
    /// Where to look up passwords that have become known. Nowhere by default.
    pub breached: Option<BreachedSettings>,
    /// For how many keys each limit has room, from 128 to 16777216, at 16 bytes each that are taken as they come.
    #[schemars(range(min = MAX_KEYS.0, max = MAX_KEYS.1))]
    pub max_keys: u32,
    /// How many leading bits of an IPv4 address are a network, from 8 to 32.
    #[schemars(range(min = IPV4_PREFIX.0, max = IPV4_PREFIX.1))]
    pub ipv4_prefix: u8,
    /// How many leading bits of an IPv6 address are a network, from 16 to 128.
    #[schemars(range(min = IPV6_PREFIX.0, max = IPV6_PREFIX.1))]
    pub ipv6_prefix: u8,
}

impl Default for LoginSettings {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            enforcement: Enforcement::Enforce,
            report_until: None,
            routes: Vec::new(),
            reset_routes: Vec::new(),
            code_routes: Vec::new(),
            account_fields: texts(&["username", "email"]),
            password_fields: texts(&["password"]),
            failed: MarksSettings::default(),
            succeeded: MarksSettings::default(),
            limits: LimitsSettings::default(),
            free_failures: 5,
            max_delay: "15s".to_owned(),
            max_waiting: 512,
            then: Then::Refuse.as_str().to_owned(),
            step_up_header: "X-Login-Step-Up".to_owned(),
            even_timing: None,
            device_cookie: "__Host-device".to_owned(),
            breached: None,
            max_keys: 65_536,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
        }
    }
}

/// Marks by which an answer is known. Any one of them is enough.
///
/// ```toml
/// [login.failed]
/// status = [401, 403]
/// location = "/login*"
/// header = "X-Login-Failed"
/// body = "Mot de passe invalide"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarksSettings {
    /// Status codes, such as `[401, 403]`.
    #[schemars(inner(range(min = 100, max = 599)))]
    pub status: Vec<u16>,
    /// Where the answer leads, as path and query; `*` stands for any letters, as in `"/login?error=*"`.
    pub location: Option<String>,
    /// A header that the answer has: its name, or its name and value as in `"X-Login: failed"`.
    pub header: Option<String>,
    /// A text that stands in the first 256 KiB of the answer's body, byte for byte. The application is then asked for answers
    /// that are not compressed.
    #[schemars(length(min = 1, max = LONGEST_MARK))]
    pub body: Option<String>,
}

/// How many failures there may be, each as a rate such as `"20/h burst 10"`.
///
/// ```toml
/// [login.limits]
/// network = "60/h burst 60"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSettings {
    /// Of one account from one place: a network, or a browser that has logged in before. A success sets it back.
    #[schemars(with = "Rate")]
    pub account_network: String,
    /// Of one account from all places together that have never logged in as it. Whoever has is not affected.
    #[schemars(with = "Rate")]
    pub account: String,
    /// Of one network with all accounts. Each account that logs in there gives one back, so that a school with many people
    /// and their typing errors does not use it up.
    #[schemars(with = "Rate")]
    pub network: String,
    /// Of one session of the application's.
    #[schemars(with = "Rate")]
    pub session: String,
    /// Of one password, with all accounts from all places: one password that is tried on many accounts. Each account that logs
    /// in with it gives one back.
    #[schemars(with = "Rate")]
    pub password: String,
    /// Of one kind of program (JA4), in accounts: when it is used up, the network pays five for each failure of such a program.
    #[schemars(with = "Rate")]
    pub fingerprint: String,
    /// Of codes after the password, of one session.
    #[schemars(with = "Rate")]
    pub code: String,
    /// Of requests for a new password, of one account from all places.
    #[schemars(with = "Rate")]
    pub reset: String,
}

impl Default for LimitsSettings {
    /// What lets a school of 600 and an office of 5,000 behind one address pass: see the table in the crate's documentation.
    fn default() -> Self {
        Self {
            account_network: "20/h burst 10".to_owned(),
            account: "30/h burst 30".to_owned(),
            network: "30/h burst 30".to_owned(),
            session: "20/h burst 10".to_owned(),
            password: "20/h burst 20".to_owned(),
            fingerprint: "60/h burst 60".to_owned(),
            code: "10/h burst 5".to_owned(),
            reset: "6/h burst 3".to_owned(),
        }
    }
}

/// Passwords that have become known, in a directory of this machine: nothing is sent anywhere.
///
/// ```toml
/// [login.breached]
/// directory = "/var/lib/rempart/ranges"
/// header = "X-Password-Breached"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreachedSettings {
    /// A directory of range files: `ABCDE` or `ABCDE.txt` for the passwords whose SHA-1 begins with these five digits, with a
    /// line `REST:COUNT` for each, as the range interface of Have I Been Pwned has them.
    pub directory: PathBuf,
    /// The header that tells the application how often the password was seen, rounded down to 1, 10, 100 and so on. One that
    /// a client sends is taken away.
    #[serde(default = "breached_header")]
    #[schemars(regex(pattern = HEADER_PATTERN), extend("x-form" = "header name"))]
    pub header: String,
}

/// The least and the most.
pub(crate) const MAX_KEYS: (u32, u32) = (128, 1 << 24);
pub(crate) const MAX_WAITING: (u32, u32) = (1, 65_536);
pub(crate) const IPV4_PREFIX: (u32, u32) = (8, 32);
pub(crate) const IPV6_PREFIX: (u32, u32) = (16, 128);
pub(crate) const MOST_FREE: u32 = 100;
pub(crate) const MOST_FIELDS: usize = 16;
/// In bytes.
pub(crate) const LONGEST_MARK: usize = 1_024;

const HEADER_PATTERN: &str = "^[Xx]-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,62}$";
const COOKIE_PATTERN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,128}$";

fn breached_header() -> String {
    "X-Password-Breached".to_owned()
}

fn optional_duration_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = duration_schema(generator);
    schema.insert("type".to_owned(), serde_json::json!(["string", "null"]));
    schema
}
