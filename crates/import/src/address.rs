//! Where an application is, in the only form that a tenant's file has for it.

use rempart_tenant::Host;

/// `http://host:port` of an address that is nothing more than that; else why it cannot be an upstream.
pub(crate) fn upstream(text: &str) -> Result<String, String> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| format!("`{text}` is no http:// address"))?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" | "h2c" | "grpc" | "grpcs" | "h2" => {
            return Err(format!(
                "the edge speaks plain HTTP/1.1 to an application, and no {scheme}://"
            ));
        }
        _ => return Err(format!("`{scheme}` is not http")),
    }
    if rest.contains('@') {
        return Err("there is a user or a password in the address".into());
    }
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.starts_with("unix:") {
        return Err("the application listens on a Unix socket, and the edge speaks TCP".into());
    }
    if authority.contains(['/', '?', '#']) {
        return Err("the path is changed on the way, and the edge forwards a path as it is".into());
    }
    let host = Host::of_authority(authority).map_err(|error| format!("`{authority}`: {error}"))?;
    let port = match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => format!(":{port}"),
        _ => String::new(),
    };
    if !port.is_empty() && port.bytes().skip(1).all(|digit| digit == b'0') {
        return Err("nothing listens on port 0".into());
    }
    Ok(format!("http://{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (written, read) in [
            ("http://127.0.0.1:9101", "http://127.0.0.1:9101"),
            ("HTTP://App.Internal:80/", "http://app.internal:80"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(upstream(written).as_deref(), Ok(read));
        }
    }

    #[test]
    fn what_is_more_than_that_is_refused_with_the_reason() {
        for (written, why) in [
            ("127.0.0.1:80", "no http://"),
            ("https://127.0.0.1", "https://"),
            ("http://unix:/run/app.sock", "Unix socket"),
            ("http://127.0.0.1:80/app/", "path"),
            ("http://user:secret@app", "password"),
            ("http://app:0", "port 0"),
            ("http://app:x", "port"),
            ("http://", "empty"),
            ("http://a b", "letters"),
            ("ftp://a", "not http"),
        ] {
            let error = upstream(written).unwrap_err();
            assert!(error.contains(why), "{written}: {error}");
        }
        assert!(!upstream("http://user:hunter2@app").unwrap_err().contains("hunter2"));
    }
}
