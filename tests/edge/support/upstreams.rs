//! Applications behind the edge: the example sites as processes, and stubs that answer in one scripted way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::running::rempart;

/// A running example site; killed when dropped.
pub(crate) struct Site {
    child: Child,
    pub(crate) address: SocketAddr,
    _data: tempfile::TempDir,
}

/// Starts `library`, `city` or `daycare` on a free port and waits until it answers.
pub(crate) fn site(name: &str) -> Site {
    let data = tempfile::tempdir().unwrap();
    // Another test may take the port between here and the site's start; the site then ends and another is tried.
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = rempart();
        command
            .args(["demo-site", name, "--listen", &address.to_string(), "--data"])
            .arg(data.path());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{name} does not start");
            if answers(address) {
                return Site {
                    child,
                    address,
                    _data: data,
                };
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("{name} found no port");
}

fn answers(address: SocketAddr) -> bool {
    let mut text = String::new();
    TcpStream::connect(address).is_ok_and(|mut stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_string(&mut text);
        text.starts_with("HTTP/1.1 200")
    })
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An application in another language, running; killed when dropped.
pub(crate) struct Application {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// Starts an application on a free port and waits until it accepts connections.
pub(crate) fn application(command: impl Fn(SocketAddr) -> Command) -> Application {
    // Another test may take the port between here and the application's start; then another is tried.
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = command(address);
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = started.unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        let mut application = Application { child, address };
        let begun = Instant::now();
        while application.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{command:?} does not start");
            if TcpStream::connect(address).is_ok() {
                return application;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("an application does not start, or found no port")
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upstream that reads a request's head and does whatever the test wants with the connection.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Starts a stub. `answer` gets the head and the connection, after the head; when it returns `false` the connection is
/// closed, else the next request on it is read.
pub(crate) fn stub(answer: impl Fn(&str, &mut BufReader<TcpStream>) -> bool + Send + Sync + 'static) -> Stub {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                while let Some(head) = head(&mut stream) {
                    seen.lock().unwrap().push(head.clone());
                    if !answer(&head, &mut stream) {
                        return;
                    }
                }
            });
        }
    });
    Stub { address, heads }
}

impl Stub {
    /// A stub that answers every request alike and keeps the connection.
    pub(crate) fn fixed(answer: &'static str) -> Self {
        stub(move |_, stream| stream.get_mut().write_all(answer.as_bytes()).is_ok())
    }

    /// The heads of the requests so far, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        match stream.read_line(&mut head) {
            Ok(0) | Err(_) => return None,
            Ok(_) if head.ends_with("\r\n\r\n") => return Some(head),
            Ok(_) => {}
        }
    }
}
