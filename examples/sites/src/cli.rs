//! The command line of the three binaries.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::{Options, Site, serve_with};

/// Runs `site` with the arguments of this process until it is ended.
///
/// Prints one line, `NAME listening on http://ADDRESS`, once it accepts connections.
#[must_use]
pub fn run(site: Site) -> ExitCode {
    let arguments = match Arguments::parse(site, std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            let _ = writeln!(io::stdout(), "{}", usage(site));
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            let _ = writeln!(io::stderr(), "error: {message}\n\n{}", usage(site));
            return ExitCode::from(2);
        }
    };
    match start(site, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    listen: SocketAddr,
    data: PathBuf,
    options: Options,
}

impl Arguments {
    /// `None` when help was asked for.
    fn parse(site: Site, arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut parsed = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], site.default_port())),
            data: PathBuf::from("data").join(site.name()),
            options: Options::default(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(flag) = arguments.next() {
            let flag = flag.to_string_lossy().into_owned();
            if flag == "--help" || flag == "-h" {
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            parsed.set(&flag, value)?;
        }
        Ok(Some(parsed))
    }

    fn set(&mut self, flag: &str, value: OsString) -> Result<(), String> {
        let text = value.to_string_lossy();
        match flag {
            "--listen" => {
                self.listen = text
                    .parse()
                    .map_err(|_| format!("--listen {text}: not an ADDRESS:PORT"))?
            }
            "--cookie-domain" => self.options.cookie_domain = domain(&text)?,
            "--data" => self.data = PathBuf::from(value),
            _ => return Err(format!("unknown argument {flag}")),
        }
        Ok(())
    }
}

fn domain(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(format!("--cookie-domain {text}: not a host name"));
    }
    Ok(text.to_owned())
}

fn start(site: Site, arguments: Arguments) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await?;
        writeln!(
            io::stdout(),
            "{} listening on http://{}",
            site.name(),
            listener.local_addr()?
        )?;
        serve_with(site, listener, &arguments.data, &arguments.options).await
    })
}

fn usage(site: Site) -> String {
    format!(
        "A legacy client site, vulnerable on purpose: keep it on this machine.\n\n\
         Usage: {name}-site [--listen ADDRESS:PORT] [--data DIR] [--cookie-domain DOMAIN]\n\n\
         --listen         where to listen (127.0.0.1:{port})\n\
         --data           where the site keeps its files; made if missing (data/{name})\n\
         --cookie-domain  the Domain of the city's vendor_sso cookie (localhost)",
        name = site.name(),
        port = site.default_port(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Arguments>, String> {
        Arguments::parse(Site::City, arguments.iter().map(OsString::from))
    }

    #[test]
    fn without_arguments_it_listens_on_its_own_port_on_loopback() {
        assert_eq!(parse(&[]).unwrap().unwrap().listen.to_string(), "127.0.0.1:9102");
    }

    #[test]
    fn arguments_are_taken() {
        let arguments = parse(&[
            "--listen",
            "127.0.0.1:0",
            "--data",
            "x",
            "--cookie-domain",
            "vendor.example",
        ])
        .unwrap()
        .unwrap();
        assert_eq!(arguments.data, PathBuf::from("x"));
        assert_eq!(arguments.options.cookie_domain, "vendor.example");
    }

    #[test]
    fn what_it_does_not_understand_it_refuses() {
        assert!(parse(&["--port", "1"]).is_err());
        assert!(parse(&["--listen"]).is_err());
        assert!(parse(&["--listen", "here"]).is_err());
        assert!(parse(&["--cookie-domain", "a; Secure"]).is_err());
    }
}
