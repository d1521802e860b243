//! Before anything is timed: does every target do the job?
//!
//! A proxy that answers errors, or forgets the headers, is always the fastest.

use std::io;
use std::process::Command;

use super::cases::Case;
use super::targets::{HOSTS, Site, Target};

/// Asks a target for the case's page on both hosts and on one it does not know.
///
/// # Errors
///
/// When an answer is not the one the job demands.
pub(crate) fn answers_rightly(target: &Target, case: Case, site: &Site) -> io::Result<()> {
    for (_, host) in HOSTS {
        let answer = Answer::fetch(target, case, site, host, None)?;
        let complaint = answer.complaint(target, case);
        refuse(target, case, host, complaint, &answer)?;
    }
    let [(_, host), _] = HOSTS;
    let answer = Answer::fetch(target, case, site, host, Some("unknown.localhost"))?;
    let complaint = (answer.status < 400).then(|| "an unknown host was answered".to_owned());
    refuse(target, case, "unknown.localhost", complaint, &answer)
}

fn refuse(target: &Target, case: Case, host: &str, complaint: Option<String>, answer: &Answer) -> io::Result<()> {
    let Some(complaint) = complaint else {
        return Ok(());
    };
    Err(io::Error::other(format!(
        "{} does not do the job for {case} on {host}: {complaint}\nIt answered:\n{}\nIt said:\n{}",
        target.kind,
        answer.head,
        target.running.said()
    )))
}

/// What curl saw.
#[derive(Debug)]
struct Answer {
    status: u16,
    length: u64,
    version: String,
    head: String,
}

impl Answer {
    fn fetch(target: &Target, case: Case, site: &Site, host: &str, claimed: Option<&str>) -> io::Result<Self> {
        let port = target.port;
        let version = if case.is_http_2() { "--http2" } else { "--http1.1" };
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "10", version])
            .args(["--noproxy", "*", "--output", "/dev/null", "--dump-header", "-"])
            .args(["--write-out", "\n%{http_code} %{size_download} %{http_version}"])
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(&site.certificate.certificate);
        if let Some(claimed) = claimed {
            curl.args(["--header", &format!("Host: {claimed}")]);
        }
        let output = curl.arg(format!("https://{host}:{port}{}", case.path())).output()?;
        Self::parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("{} gave curl no answer: {said}", target.kind))
        })
    }

    fn parse(output: &str) -> Option<Self> {
        let (head, summary) = output.rsplit_once('\n')?;
        let mut words = summary.split(' ');
        Some(Self {
            status: words.next()?.parse().ok()?,
            length: words.next()?.parse().ok()?,
            version: words.next()?.to_owned(),
            head: head.trim_end().to_owned(),
        })
    }

    /// What is wrong with it, if anything.
    fn complaint(&self, target: &Target, case: Case) -> Option<String> {
        self.misses_the_page(case)
            .or_else(|| target.kind.is_hardened().then(|| self.misses_a_header()).flatten())
    }

    fn misses_the_page(&self, case: Case) -> Option<String> {
        let version = if case.is_http_2() { "2" } else { "1.1" };
        if self.status != 200 || self.length != case.length() {
            return Some(format!("status {}, {} bytes", self.status, self.length));
        }
        (self.version != version).then(|| format!("HTTP/{}", self.version))
    }

    fn misses_a_header(&self) -> Option<String> {
        let has = |name, part| self.header(name).is_some_and(|value| value.contains(part));
        let frames = has("x-frame-options", "deny")
            || has("x-frame-options", "sameorigin")
            || has("content-security-policy", "frame-ancestors");
        let demands = [
            ("no HSTS", has("strict-transport-security", "max-age=")),
            ("no nosniff", has("x-content-type-options", "nosniff")),
            ("may be framed", frames),
            ("no referrer policy", self.header("referrer-policy").is_some()),
            ("the application's Server", !has("server", "apache")),
            ("X-Powered-By", self.header("x-powered-by").is_none()),
            ("cookie without Secure", has("set-cookie", "; secure")),
            ("cookie without HttpOnly", has("set-cookie", "; httponly")),
            ("cookie without SameSite", has("set-cookie", "; samesite=")),
        ];
        demands
            .iter()
            .find(|(_, is_met)| !is_met)
            .map(|(complaint, _)| (*complaint).to_owned())
    }

    /// A header's value, in lower case.
    fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (its_name, value) = line.split_once(':')?;
            its_name
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_ascii_lowercase())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDENED: &str = "HTTP/1.1 200 OK\r
strict-transport-security: max-age=1\r
X-Content-Type-Options: nosniff\r
Content-Security-Policy: frame-ancestors 'none'\r
Referrer-Policy: no-referrer\r
Set-Cookie: PHPSESSID=x; path=/; Secure; HttpOnly; SameSite=Lax\r
\r

200 1024 1.1";

    #[test]
    fn a_hardened_page_of_the_right_length_passes() {
        let answer = Answer::parse(HARDENED).unwrap();
        assert_eq!(answer.misses_the_page(Case::Http1Small), None);
        assert_eq!(answer.misses_a_header(), None);
    }

    #[test]
    fn the_wrong_length_status_or_version_is_refused() {
        let wrong = ["200 1023 1.1", "502 1024 1.1", "200 1024 2"];
        for summary in wrong {
            let answer = Answer::parse(&HARDENED.replace("200 1024 1.1", summary)).unwrap();
            assert!(answer.misses_the_page(Case::Http1Small).is_some(), "{summary}");
        }
    }

    #[test]
    fn each_missing_header_or_flag_is_refused() {
        for part in ["strict-", "nosniff", "frame-", "Referrer-", "; Secure", "; HttpOnly"] {
            let answer = Answer::parse(&HARDENED.replace(part, "?")).unwrap();
            assert!(answer.misses_a_header().is_some(), "{part}");
        }
    }

    #[test]
    fn what_the_application_gives_away_is_refused() {
        for part in ["Server: Apache/2.4\r\n", "X-Powered-By: PHP\r\n"] {
            let told = HARDENED.replace("Referrer", &format!("{part}Referrer"));
            assert!(Answer::parse(&told).unwrap().misses_a_header().is_some());
        }
    }
}
