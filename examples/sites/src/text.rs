//! Words in two languages, and text made comparable: accents folded, HTML escaped, CSV quoted.

/// The language of a page. French unless the visitor asked otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    Fr,
    En,
}

impl Lang {
    pub(crate) fn pick<'a>(self, fr: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Fr => fr,
            Self::En => en,
        }
    }

    pub(crate) fn code(self) -> &'static str {
        self.pick("fr", "en")
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Fr => Self::En,
            Self::En => Self::Fr,
        }
    }
}

/// Safe inside HTML text and inside a quoted attribute.
pub(crate) fn escape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Lower case and without accents, so that "riviere" finds "Rivière".
pub(crate) fn fold(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'â' | 'ä' | 'á' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'î' | 'ï' | 'í' => out.push('i'),
            'ô' | 'ö' | 'ó' => out.push('o'),
            'û' | 'ù' | 'ü' => out.push('u'),
            'ç' => out.push('c'),
            'œ' => out.push_str("oe"),
            '’' => out.push('\''),
            other => out.push(other),
        }
    }
    out
}

/// One line of CSV (RFC 4180), quoted only where it must be.
pub(crate) fn csv_line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        if field.contains([',', '"', '\r', '\n']) {
            line.push('"');
            line.push_str(&field.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(field);
        }
    }
    line.push_str("\r\n");
    line
}

/// Percent-encoding for one query value (RFC 3986, section 2.3: all but the unreserved).
pub(crate) fn query_value(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_text_can_open_a_tag_or_leave_an_attribute() {
        assert_eq!(
            escape("<b a='x' b=\"y\">&"),
            "&lt;b a=&#39;x&#39; b=&quot;y&quot;&gt;&amp;"
        );
    }

    #[test]
    fn accents_and_capitals_do_not_matter_to_a_search() {
        assert_eq!(fold("Élise Côté à l’Œuvre"), "elise cote a l'oeuvre");
    }

    #[test]
    fn csv_quotes_only_what_needs_it() {
        assert_eq!(
            csv_line(["1", "Côté", "12, rue \"X\""]),
            "1,Côté,\"12, rue \"\"X\"\"\"\r\n"
        );
    }

    #[test]
    fn query_values_survive_accents_and_ampersands() {
        assert_eq!(query_value("été & cie"), "%C3%A9t%C3%A9%20%26%20cie");
    }
}
