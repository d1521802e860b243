use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use proptest::prelude::*;
use rempart_guard::{Decision, Refusal as _, Reporter};
use tower::{ServiceExt as _, service_fn};

use crate::*;

fn tenants() -> Tenants {
    let builder = Tenants::builder()
        .tenant("library", ["library.example", "*.library.example"])
        .unwrap();
    builder
        .tenant("city", ["city.example", "maps.library.example"])
        .unwrap()
        .build()
}

fn request(version: Version, uri: &str, hosts: &[&str]) -> Request<()> {
    let mut request = Request::builder().version(version).uri(uri);
    for host in hosts {
        request = request.header("host", *host);
    }
    request.body(()).unwrap()
}

fn code(uri: &str, hosts: &[&str]) -> &'static str {
    let request = request(Version::HTTP_11, uri, hosts);
    tenants()
        .of_request(request.uri(), request.headers())
        .unwrap_err()
        .rejection()
        .code()
}

#[test]
fn a_request_that_names_no_host_or_two_is_refused() {
    assert_eq!(code("/", &[]), "host_missing");
    assert_eq!(code("/", &["library.example", "library.example"]), "host_repeated");
    assert_eq!(code("/", &[""]), "host_invalid");
    assert_eq!(code("/", &["library.example:https"]), "host_invalid");
    assert_eq!(code("/", &["library.example:"]), "host_invalid");
    assert_eq!(code("/", &["user@library.example"]), "host_invalid");
    assert_eq!(code("/", &["library.example city.example"]), "host_invalid");
    assert_eq!(code("/", &["library.example,city.example"]), "host_invalid");
    assert_eq!(code("http://city.example/", &["library.example"]), "host_disagrees");
    assert_eq!(code("/", &["nobody.example"]), "host_unknown");
    assert_eq!(code("/", &["a.b.library.example"]), "host_unknown");
}

#[test]
fn hosts_are_compared_as_names_are() {
    let of = |host: &str| {
        let request = request(Version::HTTP_11, "/", &[host]);
        tenants()
            .of_request(request.uri(), request.headers())
            .unwrap()
            .id()
            .to_string()
    };
    assert_eq!(of("LIBRARY.example"), "library");
    assert_eq!(of("library.example."), "library");
    assert_eq!(of("library.example:8443"), "library");
    assert_eq!(of("kids.library.example"), "library");
    assert_eq!(
        of("maps.library.example"),
        "city",
        "an exact name goes before a wildcard"
    );
}

#[test]
fn a_host_of_another_tenant_than_the_handshakes_is_refused() {
    let tenants = tenants();
    let library = &tenants.all()[0];
    let verdict = |version, host: &str| {
        let request = request(version, "/", &[host]);
        let refused = tenants.agrees(library, version, request.uri(), request.headers()).err();
        refused.map(|refusal| (refusal.rejection().status().as_u16(), refusal.rejection().code()))
    };
    assert_eq!(
        verdict(Version::HTTP_2, "city.example"),
        Some((421, "host_misdirected"))
    );
    assert_eq!(verdict(Version::HTTP_11, "city.example"), Some((403, "host_foreign")));
    assert_eq!(verdict(Version::HTTP_2, "nobody.example"), Some((404, "host_unknown")));
    assert_eq!(
        verdict(Version::HTTP_2, "kids.library.example"),
        None,
        "another host of the same tenant"
    );
}

#[test]
fn two_tenants_cannot_claim_one_host() {
    let claim = |hosts: &[&str]| {
        let builder = Tenants::builder()
            .tenant("library", ["library.example", "*.library.example"])
            .unwrap();
        builder
            .tenant("city", hosts)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        claim(&["Library.Example."]),
        Err("city and library both claim the host library.example".into())
    );
    assert_eq!(
        claim(&["*.library.example"]),
        Err("city and library both claim the host *.library.example".into())
    );
    assert_eq!(claim(&[]), Err("city has no host".into()));
    assert!(claim(&["*"]).is_err() && claim(&["*.example"]).is_err() && claim(&["a.*.example"]).is_err());
    assert!(
        claim(&["ville.example", "ville.example"]).is_ok(),
        "twice in one file is once"
    );
    assert!(
        Tenants::builder().tenant("City", ["x.example"]).is_err(),
        "names are lower-case"
    );
}

/// Two tenants whose stacks answer with their name.
fn stacks(
    log: &Arc<Mutex<Vec<String>>>,
) -> impl Clone + tower::Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> {
    let log = Arc::clone(log);
    let sink = move |decision: Decision| log.lock().unwrap().push(decision.code.to_owned());
    TenantStacks::new(tenants(), Reporter::front(Arc::new(sink)), |tenant| {
        let name = tenant.id().to_string();
        service_fn(move |_: Request<()>| {
            let answer = Response::new(Full::<Bytes>::from(name.clone()));
            async move { Ok::<_, Infallible>(answer) }
        })
    })
}

#[tokio::test]
async fn every_tenant_gets_its_own_stack_and_nobody_elses() {
    let log = Arc::default();
    let stacks = stacks(&log);
    let ask = async |host: &str, name: Option<&str>| {
        let mut request = request(Version::HTTP_2, "/", &[host]);
        request.extensions_mut().extend(
            name.map(|name| {
                let mut extensions = http::Extensions::new();
                extensions.insert(ServerName(name.into()));
                extensions
            })
            .unwrap_or_default(),
        );
        let answer = stacks.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        (
            status,
            String::from_utf8_lossy(&answer.into_body().collect().await.unwrap().to_bytes()).into_owned(),
        )
    };
    assert_eq!(ask("library.example", None).await, (StatusCode::OK, "library".into()));
    assert_eq!(
        ask("city.example", Some("city.example")).await,
        (StatusCode::OK, "city".into())
    );
    assert_eq!(
        ask("city.example", Some("library.example")).await.0,
        StatusCode::MISDIRECTED_REQUEST
    );
    assert_eq!(
        ask("city.example", Some("unknown.example")).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(ask("unknown.example", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        *log.lock().unwrap(),
        ["host_misdirected", "host_unknown", "host_unknown"]
    );
}

#[test]
fn no_two_tenants_and_no_two_purposes_share_a_key() {
    let ring = KeyRing::from_secret(&[1; 32]).unwrap();
    let key = |tenant: &str, purpose: &str| *ring.tenant(&tenant.parse().unwrap()).derive(purpose).as_bytes();
    let keys = [
        key("a", "cookies"),
        key("ab", "cookies"),
        key("a", "tickets"),
        key("a", "b"),
        key("a-b", "cookies"),
    ];
    for (index, one) in keys.iter().enumerate() {
        assert!(keys[index + 1..].iter().all(|other| other != one));
    }
    assert_eq!(key("a", "cookies"), key("a", "cookies"));
    let other = KeyRing::from_secret(&[2; 32]).unwrap().tenant(&"a".parse().unwrap());
    assert_ne!(other.derive("cookies").as_bytes(), &keys[0]);
}

#[test]
fn a_secret_that_is_short_or_exposed_is_refused() {
    assert!(matches!(
        KeyRing::from_secret(&[0; 31]),
        Err(KeyRingError::TooShort { bytes: 31 })
    ));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.key");
    std::fs::write(&path, [7; 32]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = KeyRing::open_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("mode 640") && error.contains("root.key"), "{error}");
    assert!(matches!(
        KeyRing::open(&directory.path().join("none")),
        Err(KeyRingError::File { .. })
    ));
}

#[test]
fn a_previous_root_stays_beside_the_current_one_with_its_name_and_its_end() {
    let (old, new) = (KeyRing::from_secret(&[1; 32]).unwrap(), named("2026-11", 2));
    let until = std::time::SystemTime::now();
    let both = new.clone().with_previous(&old, until);
    let keys = both.tenant(&"a".parse().unwrap()).derive_all("cookies");
    assert_eq!((keys.tenant().as_str(), keys.current().id.as_str()), ("a", "2026-11"));
    assert_eq!(keys.current().until, None);
    let [previous] = keys.previous() else {
        panic!("{keys:?}")
    };
    assert_eq!((previous.id.as_str(), previous.until), ("root", Some(until)));
    let alone = |ring: &KeyRing| *ring.tenant(&"a".parse().unwrap()).derive("cookies").as_bytes();
    assert_eq!(keys.current().key.as_bytes(), &alone(&new));
    assert_eq!(previous.key.as_bytes(), &alone(&old));
}

#[test]
fn rings_are_equal_when_secrets_names_and_ends_are() {
    let until = std::time::SystemTime::now();
    let both = || named("b", 2).with_previous(&named("a", 1), until);
    assert_eq!(both(), both());
    for other in [
        named("b", 2),
        named("b", 2).with_previous(&named("a", 3), until),
        named("b", 2).with_previous(&named("c", 1), until),
        named("b", 2).with_previous(&named("a", 1), until + std::time::Duration::from_secs(1)),
        named("a", 1).with_previous(&named("b", 2), until),
    ] {
        assert_ne!(both(), other);
    }
    assert!(
        !format!("{:?}", both()).contains('2'),
        "no secret is printed: {:?}",
        both()
    );
}

fn named(id: &str, seed: u8) -> KeyRing {
    KeyRing::named(id.parse().unwrap(), &[seed; 32]).unwrap()
}

#[test]
fn a_key_has_a_name_that_can_be_a_file() {
    for name in ["2026-11", "root", "a", "A.b_c-9"] {
        assert_eq!(name.parse::<crate::KeyId>().unwrap().as_str(), name);
    }
    for name in ["", ".", "../x", "a/b", "-a", ".a", "a b", "\u{e9}", &"a".repeat(33)] {
        assert_eq!(name.parse::<crate::KeyId>(), Err(crate::KeyIdError), "{name}");
    }
}

#[test]
fn a_key_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("2026-11.key");
    KeyRing::create(&path).unwrap();
    let first = std::fs::read(&path).unwrap();
    assert_eq!(
        (
            first.len(),
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777
        ),
        (32, 0o600)
    );
    assert!(matches!(KeyRing::create(&path), Err(KeyRingError::File { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), first);
}

#[test]
fn two_processes_that_start_at_once_agree_on_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.key");
    let key = || {
        *KeyRing::open_or_create(&path)
            .unwrap()
            .tenant(&"a".parse().unwrap())
            .derive("x")
            .as_bytes()
    };
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(key)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|one| *one == keys[0]));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

proptest! {
    #[test]
    fn no_host_makes_the_front_panic_and_what_passes_is_canonical(text in "\\PC{0,60}") {
        if let Ok(host) = Host::of_authority(&text) {
            prop_assert_eq!(host.as_str(), host.as_str().to_ascii_lowercase());
            prop_assert_eq!(Host::of_authority(host.as_str()), Ok(host));
        }
    }
}
