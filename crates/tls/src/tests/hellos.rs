//! ClientHellos byte by byte, as programs send them that are not at hand.

/// What is sent; the lengths are counted when it is written.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) legacy_version: u16,
    pub(super) suites: Vec<u16>,
    /// `None` leaves out even the length of the list.
    pub(super) extensions: Option<Vec<(u16, Vec<u8>)>>,
}

impl Sent {
    /// Offers what a JA4 says that was not hashed yet (`ja4_r`). Of the versions it is the higher of two.
    pub(super) fn of_raw(raw: &str) -> Self {
        let mut parts = raw.split('_');
        let (head, suites, kinds, schemes) = (
            parts.next().unwrap(),
            numbers(parts.next().unwrap()),
            numbers(parts.next().unwrap()),
            parts.next().map(numbers).unwrap_or_default(),
        );
        let body = |kind: u16| match kind {
            0x000d => list(&bytes(&schemes)),
            0x002b => short_list(&bytes(&[0x0303, 0x0304])),
            _ => Vec::new(),
        };
        let mut extensions: Vec<(u16, Vec<u8>)> = kinds.into_iter().map(|kind| (kind, body(kind))).collect();
        if head.as_bytes()[3] == b'd' {
            extensions.push((0x0000, list(&[&[0], &list(b"a.test")[..]].concat())));
        }
        match &head[8..] {
            "h2" => extensions.push(protocols(&[b"h2", b"http/1.1"])),
            "h1" => extensions.push(protocols(&[b"http/1.1"])),
            _ => {}
        }
        Self {
            legacy_version: 0x0303,
            suites,
            extensions: Some(extensions),
        }
    }

    /// With what is there to be ignored, before and behind everything.
    pub(super) fn greased(mut self) -> Self {
        self.suites = around(&self.suites, 0x1a1a);
        for (kind, body) in self.extensions.iter_mut().flatten() {
            match *kind {
                0x000d => *body = list(&bytes(&around(&numbers_of(&body[2..]), 0x2a2a))),
                0x002b => *body = short_list(&bytes(&around(&numbers_of(&body[1..]), 0xfafa))),
                _ => {}
            }
        }
        if let Some(extensions) = &mut self.extensions {
            extensions.insert(0, (0x0a0a, Vec::new()));
            extensions.push((0xdada, vec![0]));
        }
        self
    }

    /// In one record.
    pub(super) fn record(&self) -> Vec<u8> {
        let mut hello = self.legacy_version.to_be_bytes().to_vec();
        hello.extend([7; 32]);
        hello.extend(short_list(&[9; 32]));
        hello.extend(list(&bytes(&self.suites)));
        hello.extend(short_list(&[0]));
        if let Some(extensions) = &self.extensions {
            let each = |(kind, body): &(u16, Vec<u8>)| [&kind.to_be_bytes(), &list(body)[..]].concat();
            hello.extend(list(&extensions.iter().flat_map(each).collect::<Vec<_>>()));
        }
        let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
        let message = [&[1], &length[1..], &hello].concat();
        [&[22, 3, 1], &list(&message)[..]].concat()
    }
}

pub(super) fn protocols(names: &[&[u8]]) -> (u16, Vec<u8>) {
    let names: Vec<u8> = names.iter().flat_map(|name| short_list(name)).collect();
    (0x0010, list(&names))
}

pub(super) fn list(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

pub(super) fn short_list(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap()], body].concat()
}

fn numbers(list: &str) -> Vec<u16> {
    list.split(',')
        .map(|number| u16::from_str_radix(number, 16).unwrap())
        .collect()
}

fn numbers_of(list: &[u8]) -> Vec<u16> {
    list.chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect()
}

fn bytes(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn around(numbers: &[u16], grease: u16) -> Vec<u16> {
    [&[grease], numbers, &[grease]].concat()
}
