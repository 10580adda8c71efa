//! Text of a client in messages.

/// Text that a client sent, as it may stand in a message: on one line, with characters that cannot be seen
/// escaped, and cut if it is long.
pub fn shortened(text: &str) -> String {
    const SHOWN: usize = 120;
    let mut short = String::new();
    let mut length = 0;
    for c in text.chars() {
        let is_plain = matches!(c, '"' | '\'' | '\\');
        length += if is_plain { 1 } else { c.escape_debug().count() };
        if length > SHOWN {
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
