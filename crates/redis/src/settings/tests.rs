use super::*;

fn settings(text: &str) -> RedisSettings {
    toml::from_str(text).unwrap()
}

fn problems(text: &str) -> Vec<(String, &'static str)> {
    let problems = RedisPolicy::try_from(settings(text)).unwrap_err();
    let problem = |problem: &Problem| (problem.key.join("."), problem.code);
    problems.iter().map(problem).collect()
}

fn policy(text: &str) -> RedisPolicy {
    RedisPolicy::try_from(settings(text)).unwrap()
}

#[test]
fn a_password_in_a_url_is_refused_and_not_repeated() {
    for url in [
        "redis://:hunter2@localhost",
        "rediss://rempart:hunter2@localhost:6380/1",
        "unix:///run/redis.sock?pass=hunter2",
        "redis://localhost?pass=hunter2",
    ] {
        for text in [
            format!("url = {url:?}"),
            format!("cluster = [{url:?}]"),
            format!("sentinels = [{url:?}]\nmaster = \"m\""),
        ] {
            let problems = RedisPolicy::try_from(settings(&text)).unwrap_err();
            let said = format!("{problems:?} {problems}");
            assert!(
                said.contains("redis_password_inline") && said.contains("password_file"),
                "{said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn a_url_that_could_mean_something_else_is_refused() {
    for url in [
        "",
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://localhost/one",
        "redis://localhost/-1",
        "redis://localhost/99999999999",
        "redis://localhost:0",
        "redis://localhost#insecure",
        "rediss://localhost#insecure",
        "redis://localhost?protocol=resp3",
        "unix://localhost/run/redis.sock",
        "unix:///",
        "redis://0.0.0.0",
        "redis://user@localhost",
    ] {
        assert_eq!(
            problems(&format!("url = {url:?}")),
            [("url".into(), "redis_url_invalid")],
            "{url}"
        );
    }
}

#[test]
fn one_place_is_named_and_not_two_or_none() {
    for text in [
        "",
        "url = \"redis://a\"\ncluster = [\"redis://b\"]",
        "url = \"redis://a\"\nsentinels = [\"redis://b\"]\nmaster = \"m\"",
    ] {
        assert!(problems(text).contains(&("url".into(), "redis_place")), "{text}");
    }
}

#[test]
fn what_would_do_nothing_is_refused() {
    for (text, key) in [
        ("url = \"redis://a\"\nmaster = \"m\"", "master"),
        ("url = \"redis://a\"\nca_file = \"ca.pem\"", "ca_file"),
        ("url = \"redis://a\"\nuser = \"u\"", "user"),
        (
            "url = \"redis://a\"\nsentinel_password_file = \"p\"",
            "sentinel_password_file",
        ),
        (
            "sentinels = [\"redis://a\"]\nmaster = \"m\"\nsentinel_user = \"u\"",
            "sentinel_user",
        ),
    ] {
        assert_eq!(problems(text), [(key.into(), "redis_in_vain")], "{text}");
    }
}

#[test]
fn lists_are_of_hosts_that_are_spoken_to_alike() {
    for (text, key, code) in [
        ("cluster = [\"redis://a/1\"]", "cluster.0", "redis_url_invalid"),
        (
            "cluster = [\"redis://a\", \"unix:///b\"]",
            "cluster.1",
            "redis_url_invalid",
        ),
        (
            "cluster = [\"redis://a\", \"rediss://b\"]",
            "cluster",
            "redis_url_mixed",
        ),
        ("sentinels = [\"redis://a\"]", "master", "redis_master_missing"),
        (
            "sentinels = [\"redis://a\"]\nmaster = \"\"",
            "master",
            "redis_master_missing",
        ),
    ] {
        assert_eq!(problems(text), [(key.into(), code)], "{text}");
    }
    let many: Vec<_> = (0..65).map(|number| format!("\"redis://n{number}\"")).collect();
    let text = format!("cluster = [{}]", many.join(","));
    assert_eq!(problems(&text), [("cluster".into(), "redis_too_many")]);
}

#[test]
fn numbers_have_bounds_and_all_problems_are_told_at_once() {
    let text = "url = \"redis://a\"\nnodes = 0\ntimeout = \"50\"\nprefix = \"{a}\"";
    let expected = [
        ("nodes".to_owned(), "number_out_of_range"),
        ("timeout".to_owned(), "duration_ambiguous"),
        ("prefix".to_owned(), "redis_prefix_invalid"),
    ];
    assert_eq!(problems(text), expected);
    for timeout in ["1ms", "3s"] {
        let text = format!("url = \"redis://a\"\ntimeout = {timeout:?}");
        assert_eq!(problems(&text), [("timeout".into(), "number_out_of_range")]);
    }
    let text = "url = \"redis://a\"\nnodes = 1025";
    assert_eq!(problems(text), [("nodes".into(), "number_out_of_range")]);
    assert!(toml::from_str::<RedisSettings>("url = \"redis://a\"\npassword = \"hunter2\"").is_err());
}

#[test]
fn what_is_written_is_meant() {
    let one =
        policy("url = \"rediss://[::1]:6380/3\"\nuser = \"u\"\npassword_file = \"p\"\nca_file = \"c\"\nnodes = 3");
    assert_eq!(one.to_string(), "rediss://[::1]:6380/3");
    assert_eq!((one.nodes().get(), one.timeout()), (3, Duration::from_millis(50)));
    assert!(!one.is_in_the_clear());
    assert!(policy("url = \"redis://10.0.0.1\"").is_in_the_clear());
    for private in [
        "redis://localhost",
        "redis://127.0.0.1:1",
        "redis://[::1]",
        "unix:///run/r.sock",
    ] {
        assert!(!policy(&format!("url = {private:?}")).is_in_the_clear(), "{private}");
    }
    let cluster = policy("cluster = [\"redis://a\", \"redis://b:7\"]");
    assert_eq!(cluster.to_string(), "redis://a:6379, redis://b:7 (cluster)");
    let sentinel = policy("sentinels = [\"redis://a\"]\nmaster = \"m\"");
    assert_eq!(sentinel.to_string(), "redis://a:26379 (Sentinel, master \"m\")");
    assert_eq!(
        RedisPolicy::try_from(RedisSettings::at("unix:///run/redis/redis.sock")).unwrap(),
        policy("url = \"unix:///run/redis/redis.sock\"")
    );
}

#[test]
fn files_are_found_from_the_directory_of_the_configuration() {
    let text = "url = \"rediss://a\"\npassword_file = \"p\"\nca_file = \"/c\"";
    let policy = policy(text).relative_to(std::path::Path::new("/etc/rempart"));
    assert_eq!(policy.password_file.unwrap(), PathBuf::from("/etc/rempart/p"));
    assert_eq!(policy.ca_file.unwrap(), PathBuf::from("/c"));
}
