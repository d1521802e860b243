//! The application behind the proxies under test: fixed bodies and the headers of an old PHP site.
//!
//! `/1k`, `/16k` and `/1m` answer that many bytes; anything else is a 404.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::{env, io};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SERVER, SET_COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let Some(address) = env::args().nth(1).and_then(|text| text.parse().ok()) else {
        return complain("usage: rempart-bench-upstream ADDRESS:PORT");
    };
    match run(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

fn run(address: SocketAddr) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(address))
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let pages = Pages::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pages = pages.clone();
        let service = service_fn(move |request| {
            let answer = pages.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// The bodies, made once and shared.
#[derive(Clone)]
struct Pages {
    small: Bytes,
    medium: Bytes,
    large: Bytes,
}

impl Pages {
    fn new() -> Self {
        let large = Bytes::from(vec![b'x'; 1024 * 1024]);
        Self {
            small: large.slice(..1024),
            medium: large.slice(..16 * 1024),
            large,
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let body = match request.uri().path() {
            "/1k" => &self.small,
            "/16k" => &self.medium,
            "/1m" => &self.large,
            _ => return not_found(),
        };
        let mut response = Response::new(Full::new(body.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, text("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, text("no-store, no-cache, must-revalidate"));
        headers.insert(SERVER, text("Apache/2.4.62 (Debian)"));
        headers.insert("x-powered-by", text("PHP/8.2.28"));
        headers.insert(SET_COOKIE, text("PHPSESSID=k3v9q0b7l2m5n8p1r4s6t9u2w5; path=/"));
        response
    }
}

fn text(value: &'static str) -> HeaderValue {
    HeaderValue::from_static(value)
}

fn not_found() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[expect(clippy::print_stderr, reason = "the one message of a command-line program")]
fn complain(message: &str) -> ExitCode {
    eprintln!("rempart-bench-upstream: {message}");
    ExitCode::FAILURE
}
