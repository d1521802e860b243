//! What we tell, as an independent reader of structured fields (RFC 9651) understands it.

use sfv::{List, ListEntry, Parser};

use super::*;

/// The members of a field: the name and the parameters, as they are.
fn members(field: &str) -> Vec<(String, Vec<(String, String)>)> {
    let list: List = Parser::new(field).parse().unwrap();
    let member = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else {
            panic!("{entry:?} is no item")
        };
        let name = item
            .bare_item
            .as_string()
            .expect("a name is a string")
            .as_str()
            .to_owned();
        let parameter = |(key, value): (&sfv::Key, &sfv::BareItem)| {
            let value = match (value.as_integer(), value.as_string()) {
                (Some(number), _) => i64::from(number).to_string(),
                (_, Some(text)) => format!("{:?}", text.as_str()),
                _ => panic!("{value:?} is neither"),
            };
            (key.as_str().to_owned(), value)
        };
        (name, item.params.iter().map(parameter).collect())
    };
    list.iter().map(member).collect()
}

fn expected(members: &[(&str, &[(&str, &str)])]) -> Vec<(String, Vec<(String, String)>)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let member =
        |(name, parameters): &(&str, &[(&str, &str)])| ((*name).to_owned(), parameters.iter().map(owned).collect());
    members.iter().map(member).collect()
}

#[tokio::test]
async fn an_independent_parser_reads_what_answers_and_refusals_say() {
    let site = Site::new(
        "[quotas.client]\nrate = \"10/s burst 2\"\n[quotas.a_b-9]\nrate = \"4/h\"\nper = [\"client\", \"method\"]\n\
         [quotas.all]\nrate = \"1000/s\"\nper = \"tenant\"",
    );
    let (passed, again, refused) = (
        site.answer("/", &[]).await,
        site.answer("/", &[]).await,
        site.answer("/", &[]).await,
    );
    assert_eq!((again.status().as_u16(), refused.status().as_u16()), (200, 429));
    for answer in [&passed, &refused] {
        assert_eq!(
            members(values(answer.headers(), "ratelimit-policy")[0]),
            expected(&[
                ("a_b-9", &[("q", "4"), ("w", "3600")]),
                ("client", &[("q", "10"), ("w", "1")])
            ])
        );
    }
    assert_eq!(
        members(values(passed.headers(), "ratelimit")[0]),
        expected(&[
            ("a_b-9", &[("r", "3"), ("t", "900")]),
            ("client", &[("r", "1"), ("t", "1")])
        ])
    );
    assert_eq!(
        members(values(refused.headers(), "ratelimit")[0]),
        expected(&[
            ("a_b-9", &[("r", "2"), ("t", "900")]),
            ("client", &[("r", "0"), ("t", "1")])
        ])
    );
    assert_eq!(values(refused.headers(), "retry-after"), ["1"]);
}

#[test]
fn an_independent_parser_reads_a_quota_of_bytes() {
    let site = Site::new("[quotas.down]\nrate = \"2GiB/d\"\ncount = \"bytes\"");
    let request = with(HOME, "/", |request| {
        request.extensions_mut().insert(rempart_guard::SentBytesAreCounted);
    });
    let [(_, policy), (_, limit)] = site.check(request).unwrap().fields.unwrap().headers();
    assert_eq!(
        members(policy.to_str().unwrap()),
        expected(&[(
            "down",
            &[("q", "2147483648"), ("qu", "\"content-bytes\""), ("w", "86400")]
        )])
    );
    assert_eq!(
        members(limit.to_str().unwrap()),
        expected(&[("down", &[("r", "2147483648"), ("t", "1")])])
    );
}

#[tokio::test]
async fn whoever_asks_for_json_is_told_in_json() {
    let site = Site::new("[quotas.client]\nrate = \"1/h\"");
    site.passes(HOME, "/", 1);
    let service = ServiceBuilder::new()
        .layer(RateLimitLayer::sharing(&site.limit, Reporter::silent()))
        .service(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    for (accept, expected) in [
        ("application/json", "application/problem+json"),
        ("text/html", "text/html; charset=utf-8"),
    ] {
        let request = with(HOME, "/", |request| {
            request.headers_mut().insert("accept", accept.parse().unwrap());
        });
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(values(answer.headers(), "content-type"), [expected]);
        assert_eq!(values(answer.headers(), "retry-after"), ["3600"]);
    }
}
