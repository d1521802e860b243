//! What the examples of limits refuse, and what passes beside it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::example::{Answer, Example};

#[test]
fn rate_limit_axum_refuses_the_fourth_login_and_nothing_else() {
    let example = Example::start("rate_limit_axum");
    let login = || example.curl("/login", &["-X", "POST"]);
    for left in (0..3).rev() {
        let answer = login();
        assert_eq!(answer.status, 200);
        let fields = answer.header("ratelimit").unwrap();
        assert!(fields.contains(&format!("\"login\";r={left};")), "{fields}");
    }
    let refused = login();
    assert_eq!(refused.status, 429);
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(
        !refused.body.contains("a password would be checked"),
        "the application was asked"
    );
    assert_eq!(
        example.curl("/", &[]).status,
        200,
        "the login's quota is not that of the other routes"
    );
}

#[test]
fn rate_limit_axum_counts_a_search_five_times_and_each_visitor_apart() {
    let example = Example::start("rate_limit_axum");
    let search = |cookie: &str| example.curl("/search", &["-H", &format!("Cookie: {cookie}")]);
    let enter = || example.curl("/enter", &[]).cookie();
    let (one, other) = (enter(), enter());
    for left in [5, 0] {
        let answer = search(&one);
        assert_eq!(answer.status, 200);
        let fields = answer.header("ratelimit").unwrap();
        assert!(fields.contains(&format!("\"visitor\";r={left};")), "{fields}");
    }
    let refused = search(&one);
    assert!(
        refused.status == 429 && refused.body.contains("quota_used_up"),
        "{refused:?}"
    );
    assert_eq!(search(&other).status, 200, "another visitor behind the same address");
    // Two that entered and one that searches: what nobody sealed counts with its network.
    assert_eq!(search("__Host-sid=made-up").status, 200);
    assert_eq!(
        search("__Host-sid=made-up-anew").status,
        429,
        "a made-up session is no fresh one"
    );
}

#[test]
fn rate_limit_axum_refuses_whoever_looks_for_what_is_not_there() {
    let example = Example::start("rate_limit_axum");
    for path in ["/wp-login.php", "/.env", "/backup.zip"] {
        assert_eq!(example.curl("/", &[]).status, 200);
        assert_eq!(example.curl(path, &[]).status, 404);
    }
    for path in ["/.git/config", "/"] {
        assert_eq!(example.curl(path, &[]).status, 429, "{path}");
    }
}

#[test]
fn login_guard_axum_slows_and_refuses_a_guesser_and_nobody_else() {
    let example = Example::start("login_guard_axum");
    for (guess, is_slow) in ["123456", "password", "marie", "qwerty"]
        .into_iter()
        .zip([false, false, true, true])
    {
        let begun = Instant::now();
        let answer = log_in(&example, "127.0.0.1", "marie", guess);
        assert_eq!(answer.header("location"), Some("/login?error=1"), "{answer:?}");
        assert!(!is_slow || begun.elapsed() >= Duration::from_secs(1), "{guess}");
    }
    let refused = log_in(&example, "127.0.0.1", "marie", RIGHT);
    assert_eq!(refused.status, 429, "also when it is right, or it would be found out");
    assert!(refused.body.contains("login_refused"), "{}", refused.body);
    // Four an hour: one more in a quarter of an hour.
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((880..=900).contains(&wait), "{wait}");

    let paul = log_in(&example, "127.0.0.1", "paul", "tournesol");
    assert_eq!(paul.header("location"), Some("/"), "a neighbour: {paul:?}");
    let marie = log_in(&example, "127.0.0.2", "marie", RIGHT);
    assert_eq!(marie.header("location"), Some("/"), "she is not locked out: {marie:?}");
    assert!(marie.cookie().starts_with("__Host-device="), "{marie:?}");
}

#[test]
fn login_guard_axum_counts_together_with_another_and_alone_while_redis_is_away() {
    let mut redis = Redis::start();
    let share = ["--redis", &redis.url()];
    let [one, other] = [(); 2].map(|()| Example::start_with("login_guard_axum", &share, 1).0);

    for guess in ["123456", "password"] {
        assert_eq!(
            log_in(&one, "127.0.0.1", "marie", guess).header("location"),
            Some("/login?error=1")
        );
        assert_eq!(
            log_in(&other, "127.0.0.1", "marie", guess).header("location"),
            Some("/login?error=1")
        );
    }
    for example in [&one, &other] {
        assert_eq!(log_in(example, "127.0.0.1", "marie", RIGHT).status, 429);
    }
    let left = |answer: &Answer| -> u32 {
        let fields = answer.header("ratelimit").unwrap();
        fields
            .split(";r=")
            .nth(1)
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    let before = left(&one.curl("/", &[]));
    assert!(before < 56, "a quota is common as well: {before}");

    redis.kill();
    assert_eq!(
        log_in(&one, "127.0.0.2", "paul", "tournesol").header("location"),
        Some("/")
    );
    let tried: Vec<_> = (0..5)
        .map(|guess| log_in(&one, "127.0.0.3", "marie", &guess.to_string()).status)
        .collect();
    assert_eq!(
        (tried[0], tried[4]),
        (303, 429),
        "each alone has a limit too: {tried:?}"
    );
}

#[test]
fn concurrency_shares_axum_floods_one_tenant_and_serves_the_other() {
    let example = Example::start("concurrency_shares_axum");
    let export = format!("{}/export?[1-40]", example.base);
    let mut flood = Command::new("curl");
    flood.args([
        "-sZ",
        "--parallel-immediate",
        "--parallel-max",
        "40",
        "--max-time",
        "30",
        "--noproxy",
        "*",
    ]);
    flood.args([
        "-H",
        "Host: library.localhost",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} ",
        &export,
    ]);
    let flood = flood.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();

    let library = || example.curl_host("library.localhost", "/", &["-H", "Accept: application/json"]);
    let begun = Instant::now();
    let refused = loop {
        let answer = library();
        if answer.status == 503 {
            break answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the flood is not there: {answer:?}"
        );
    };
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(
        ["share_used_up", "share_wait_too_long"]
            .iter()
            .any(|code| refused.body.contains(code)),
        "{}",
        refused.body
    );
    for _ in 0..5 {
        let city = example.curl_host("city.localhost", "/", &[]);
        assert_eq!((city.status, city.body.as_str()), (200, "this is the city\n"));
    }

    let answered = flood.wait_with_output().unwrap();
    let answered = String::from_utf8(answered.stdout).unwrap();
    let of = |status: &str| answered.split_whitespace().filter(|given| *given == status).count();
    assert_eq!(of("200") + of("503"), 40, "{answered}");
    assert!(
        (8..=20).contains(&of("200")),
        "its share, and what was lent: {answered}"
    );
    assert_eq!(library().status, 200, "and it is served again");
}

#[test]
fn waiting_room_axum_lets_in_who_came_first() {
    let example = Example::start("waiting_room_axum");
    let ask = |ticket: &str| {
        example.curl(
            "/",
            &["-H", &format!("Cookie: {ticket}"), "-H", "Accept: application/json"],
        )
    };
    let first = ask("");
    assert_eq!((first.status, first.body.as_str()), (200, "the form\n"));
    let inside = first.cookie();

    let [second, third] = [(); 2].map(|()| ask(""));
    for (answer, position) in [(&second, 1), (&third, 2)] {
        assert_eq!(answer.status, 503);
        assert!(
            answer.body.contains(&format!("\"position\":{position}")),
            "{}",
            answer.body
        );
        assert!(
            answer.header("retry-after").is_some() && answer.header("refresh").is_some(),
            "{answer:?}"
        );
    }
    assert_eq!(example.curl("/static/look.css", &[]).status, 200);
    let unsent = example.curl(
        "/",
        &["-d", "name=Zo%C3%A9", "-H", &format!("Cookie: {}", third.cookie())],
    );
    assert!(
        unsent.status == 503 && !unsent.body.contains("you are registered"),
        "{unsent:?}"
    );

    let begun = Instant::now();
    while ask(&second.cookie()).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "its turn does not come");
        sleep(Duration::from_millis(100));
    }
    assert_eq!(ask(&third.cookie()).status, 503, "not two at once");
    assert_eq!(ask(&inside).status, 200, "who is inside stays inside");
    assert_eq!(ask(&third.cookie()[..40]).status, 503, "a ticket that is cut is none");
}

/// As a browser sends its form, from an address of this machine.
fn log_in(example: &Example, from: &str, username: &str, password: &str) -> Answer {
    let fields = [format!("username={username}"), format!("password={password}")];
    let fields = ["--data-urlencode", &fields[0], "--data-urlencode", &fields[1]];
    example.curl("/login", &[&["--interface", from], &fields[..]].concat())
}

const RIGHT: &str = "correct horse";

/// Debian's redis-server, on a free port.
struct Redis {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
        ]);
        let child = command.arg(directory.path()).stdout(Stdio::null()).spawn();
        let redis = Self {
            child: child.expect("redis-server is installed by `cargo xtask test`"),
            port,
            _directory: directory,
        };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "redis-server does not answer"
            );
            sleep(Duration::from_millis(20));
        }
        redis
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
