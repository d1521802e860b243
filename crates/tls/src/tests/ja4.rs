//! JA4 of what other programs' JA4 is known of, of what is sent in pieces, and of what is no ClientHello.

use std::sync::Arc;

use rempart_guard::Ja4;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::TlsConnector;

use super::fixture::{Ca, DEADLINE, client_hello, meet};
use super::hellos::{Sent, list, protocols};
use crate::fuzzing::{accepted, split, take_hello};
use crate::ja4::ja4;
use crate::{AcceptError, Sites};

/// What others have published: the method's own example, with signatures and without, and what Wireshark, or a service that
/// shows visitors their own, says of Chrome, Firefox, Schannel, OpenSSL and Safari.
const PUBLISHED: [(&str, &str); 8] = [
    (
        "t13d1516h2_8daaf6152771_e5627efa2ab1",
        "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
         0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
         0403,0804,0401,0503,0805,0501,0806,0601",
    ),
    (
        "t13d1516h2_8daaf6152771_d8a2da3f94cd",
        "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
         0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,fe0d,ff01_\
         0403,0804,0401,0503,0805,0501,0806,0601",
    ),
    (
        "t13d1617h2_86a278354501_3cbfd9057e0d",
        "t13d1617h2_002f,0035,009c,009d,1301,1302,1303,c00a,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
         0005,000a,000b,000d,0012,0017,001b,001c,0022,0023,002b,002d,0033,fe0d,ff01_\
         0403,0503,0603,0804,0805,0806,0401,0501,0601,0203,0201",
    ),
    (
        "t13d1710h2_5b57614c22b0_1b18b669d02d",
        "t13d1710h2_002f,0035,009c,009d,1301,1302,1303,c009,c00a,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
         000a,000b,000d,0017,002b,002d,0033,ff01_\
         0403,0503,0804,0805,0806,0401,0501,0601,0203,0201",
    ),
    (
        "t13d2013h1_2b729b4bf6f3_e24568c0d440",
        "t13d2013h1_002f,0035,003c,003d,009c,009d,1301,1302,c009,c00a,c013,c014,c023,c024,c027,c028,c02b,c02c,c02f,c030_\
         0005,000a,000b,000d,0017,0023,002b,002d,0031,0033,ff01_\
         0804,0805,0806,0401,0501,0201,0403,0503,0203,0202,0601,0603",
    ),
    (
        "t13d041000_16476d049b0b_78f1d400d464",
        "t13d041000_00ff,1301,1302,1303_000a,000b,000d,0016,0017,0023,002b,002d,0033_\
         0403,0503,0603,0807,0808,0809,080a,080b,0804,0805,0806,0401,0501,0601",
    ),
    (
        "t13d011000_58070c528ac8_3eb3b556ea2c",
        "t13d011000_1303_000a,000b,000d,0016,0017,0023,002b,002d,0033_\
         0403,0503,0603,0807,0808,081a,081b,081c,0809,080a,080b,0804,0805,0806,0401,0501,0601",
    ),
    (
        "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3",
        "t13d1011h2_00ff,1301,1302,1303,c02b,c02c,c02f,c030,cca8,cca9_\
         0005,000a,000b,000d,0017,0023,002b,002d,0033_\
         0503,0403,0807,0806,0805,0804,0601,0501,0401",
    ),
];

fn text(sent: &Sent) -> String {
    ja4(&sent.record()).unwrap().to_string()
}

#[test]
fn what_is_published_of_other_programs_is_what_we_say_of_them() {
    for (published, raw) in PUBLISHED {
        assert_eq!(text(&Sent::of_raw(raw)), published);
    }
}

#[test]
fn the_order_and_what_is_there_to_be_ignored_do_not_matter() {
    for (published, raw) in PUBLISHED {
        let mut sent = Sent::of_raw(raw).greased();
        for _ in 0..sent.suites.len() {
            sent.suites.rotate_left(1);
            sent.extensions.as_mut().unwrap().rotate_left(1);
            assert_eq!(text(&sent), published);
        }
    }
}

#[test]
fn the_order_of_signatures_matters() {
    let (published, raw) = PUBLISHED[0];
    let mut sent = Sent::of_raw(raw);
    for (kind, body) in sent.extensions.as_mut().unwrap() {
        if *kind == 0x000d {
            body[2..].rotate_left(2);
        }
    }
    assert_eq!(text(&sent)[..23], published[..23]);
    assert_ne!(text(&sent), published);
}

#[test]
fn nothing_is_zeros_and_hundreds_are_ninety_nine() {
    let (_, raw) = PUBLISHED[0];
    let mut sent = Sent::of_raw(raw);
    sent.extensions.as_mut().unwrap().retain(|(kind, _)| *kind != 0x000d);
    sent.extensions.as_mut().unwrap().push((0x000d, list(&[])));
    assert_eq!(
        text(&sent),
        "t13d1516h2_8daaf6152771_6d807ffa2a79",
        "the method's example without signatures"
    );
    sent.extensions
        .as_mut()
        .unwrap()
        .retain(|(kind, _)| matches!(kind, 0x0000 | 0x0010));
    assert_eq!(text(&sent), "t12d1502h2_8daaf6152771_000000000000");
    sent.suites.clear();
    for extensions in [Some(Vec::new()), None] {
        sent.extensions = extensions;
        assert_eq!(text(&sent), "t12i000000_000000000000_000000000000");
    }
    sent.suites = (0..300).collect();
    sent.extensions = Some((0x100..0x100 + 200).map(|kind| (kind, Vec::new())).collect());
    assert_eq!(text(&sent)[..10], *"t12i999900");
}

#[test]
fn the_version_is_the_highest_that_is_offered() {
    let (_, raw) = PUBLISHED[0];
    for (version, text_of) in [
        (0x0303_u16, "12"),
        (0x0302, "11"),
        (0x0301, "10"),
        (0x0300, "s3"),
        (0x0002, "s2"),
        (0x7f1c, "00"),
    ] {
        let mut sent = Sent::of_raw(raw);
        sent.legacy_version = version;
        assert_eq!(text(&sent)[..3], *"t13");
        sent.extensions.as_mut().unwrap().retain(|(kind, _)| *kind != 0x002b);
        assert_eq!(text(&sent)[1..3], *text_of);
        let [high, low] = version.to_be_bytes();
        sent.extensions
            .as_mut()
            .unwrap()
            .push((0x002b, vec![6, 0xca, 0xca, 0, 1, high, low]));
        assert_eq!(text(&sent)[1..3], *text_of);
    }
}

#[test]
fn a_protocol_is_its_first_and_its_last_character() {
    let (_, raw) = PUBLISHED[5];
    for (protocol, ends) in [
        (&b"h2"[..], "h2"),
        (b"http/1.1", "h1"),
        (b"Z", "ZZ"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
        (b"h-", "6d"),
    ] {
        let mut sent = Sent::of_raw(raw);
        sent.extensions
            .as_mut()
            .unwrap()
            .push(protocols(&[protocol, b"http/1.1"]));
        assert_eq!(text(&sent)[..10], format!("t13d0411{ends}"));
    }
}

#[test]
fn a_hello_in_many_records_is_the_same_hello() {
    for (published, raw) in PUBLISHED {
        let record = Sent::of_raw(raw).record();
        for size in 1..record.len() {
            let mut split = split(&record, size);
            assert_eq!(ja4(&split).unwrap().as_str(), published);
            split.extend(b"what comes behind it");
            assert_eq!(ja4(&split).unwrap().as_str(), published);
        }
    }
}

#[test]
fn what_is_no_whole_hello_has_none_and_nothing_panics() {
    let record = Sent::of_raw(PUBLISHED[0].1).greased().record();
    for end in 0..record.len() {
        assert_eq!(ja4(&record[..end]), None);
        take_hello(&record[..end]);
        for change in [1, 0x80, 0xff] {
            let mut changed = record.clone();
            changed[end] ^= change;
            take_hello(&changed);
        }
    }
    for other in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[21, 3, 1, 0, 2, 2, 40],
        &[22, 3, 3, 0, 4, 2, 0, 0, 0],
        &[0x80, 0x2e, 1, 3, 1],
    ] {
        assert_eq!(ja4(other), None);
    }
}

#[test]
fn rustls_reads_what_we_read() {
    let mut client = Ca::new().client();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let hello = client_hello(client, "a.test");
    take_hello(&hello);
    let mut read = 0;
    for at in 0..hello.len() {
        let mut changed = hello.clone();
        changed[at] ^= 0x11;
        read += usize::from(accepted(&changed).is_some());
        take_hello(&changed);
    }
    // Of the random, the session and the keys every byte may be another.
    assert!(read > 1000 && accepted(&hello).is_some(), "{read} of {}", hello.len());
}

async fn of(sites: &Sites<&'static str>, client: &Arc<rustls::ClientConfig>, name: &str) -> Ja4 {
    let (server, client) = meet(sites, client, name).await;
    client.unwrap();
    server.unwrap().ja4
}

#[tokio::test]
async fn a_handshake_tells_whose_it_is_and_takes_no_notice_of_the_site() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    let mut client = ca.client();
    client.alpn_protocols = vec![b"h2".to_vec()];
    client.resumption = rustls::client::Resumption::disabled();
    let client = Arc::new(client);
    let first = of(&sites, &client, "a.test").await;
    assert!(
        first.as_str().starts_with("t13d") && first.as_str()[8..].starts_with("h2_"),
        "{first}"
    );
    for name in ["a.test", "b.test", "b.test"] {
        // rustls shuffles its extensions.
        assert_eq!(of(&sites, &client, name).await, first);
    }
    let older = ca.client_with(
        rustls::crypto::aws_lc_rs::default_provider(),
        &[&rustls::version::TLS12],
    );
    let older = of(&sites, &older.into(), "a.test").await;
    assert!(
        older.as_str().starts_with("t12d") && older.as_str()[8..].starts_with("00_"),
        "{older}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handshake_whose_hello_comes_in_pieces_is_the_same_program() {
    let ca = Ca::new();
    let sites = ca.two_sites();
    let mut client = ca.client();
    client.resumption = rustls::client::Resumption::disabled();
    let client = Arc::new(client);
    let whole = of(&sites, &client, "a.test").await;
    for size in [1, 100, 1000] {
        // Between the two: what the client says first leaves in small records, a byte at a time, and all else as it is.
        let (ours, mut outer) = duplex(64 * 1024);
        let (mut inner, theirs) = duplex(64 * 1024);
        let between = async move {
            let mut hello = vec![0; 16 * 1024];
            let read = inner.read(&mut hello).await.unwrap();
            for byte in split(&hello[..read], size) {
                outer.write_u8(byte).await.unwrap();
                tokio::task::yield_now().await;
            }
            let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
        };
        let between = tokio::spawn(between);
        let connector = TlsConnector::from(Arc::clone(&client));
        let (accepted, connected) = tokio::join!(
            sites.accept(ours, DEADLINE),
            connector.connect("a.test".try_into().unwrap(), theirs)
        );
        connected.unwrap();
        assert_eq!(accepted.unwrap().ja4, whole, "in records of {size} bytes");
        between.abort();
    }
}

#[tokio::test]
async fn a_hello_of_60_kilobytes_is_read() {
    let ca = Ca::new();
    let mut client = ca.client();
    client.alpn_protocols = vec![b"h2".to_vec()];
    client.alpn_protocols.resize(245, vec![b'x'; 255]);
    assert!(client_hello(client.clone(), "a.test").len() > 62_000);
    let ja4 = of(&ca.two_sites(), &client.into(), "a.test").await;
    assert!(ja4.as_str()[8..].starts_with("h2_"), "{ja4}");
}

#[tokio::test]
async fn a_hello_that_does_not_end_is_refused_and_not_kept() {
    let sites = Ca::new().two_sites();
    let (mut client, ours) = duplex(256 * 1024);
    // It says of itself that it has 65 531 bytes, and each comes in a record of its own.
    let mut sent = split(&[22, 3, 1, 0, 4, 1, 0, 0xff, 0xfb], 4);
    sent.extend([22, 3, 1, 0, 1, 3].repeat(30_000));
    client.write_all(&sent).await.unwrap();
    let error = sites.accept(ours, DEADLINE).await.map(drop).unwrap_err();
    assert!(matches!(error, AcceptError::Handshake(_)), "{error}");
}
