//! Prepares text of a client for error messages and logs.

/// Returns a text of a client for use in a message: on a single line, with invisible characters escaped, and cut
/// after 120 characters.
pub fn shortened(text: &str) -> String {
    const MAX_LENGTH: usize = 120;
    let mut short = String::new();
    let mut length = 0;
    for c in text.chars() {
        let is_plain = matches!(c, '"' | '\'' | '\\');
        length += if is_plain { 1 } else { c.escape_debug().count() };
        if length > MAX_LENGTH {
            short.push('…');
            break;
        }
        if is_plain { short.push(c) } else { short.extend(c.escape_debug()) }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_short_and_visible() {
        assert_eq!(shortened("emails[type eq \"work\"].é"), "emails[type eq \"work\"].é");
        assert_eq!(shortened("a\r\n\0\u{202e}b"), r"a\r\n\0\u{202e}b");
        assert_eq!(shortened(&"ü".repeat(120)), "ü".repeat(120));
        assert_eq!(shortened(&"ü".repeat(121)), "ü".repeat(120) + "…");
        assert_eq!(shortened(&"\u{202e}".repeat(1000)), r"\u{202e}".repeat(15) + "…");
    }
}
