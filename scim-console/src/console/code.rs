//! Texts with code between backticks, as error messages and the descriptions of quirks have it.

/// The pieces of a text, and whether each is code. A backtick without a second one is a part of the text.
pub(crate) fn pieces(text: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, (code, after))) =
        rest.split_once('`').and_then(|(before, after)| Some((before, after.split_once('`')?)))
    {
        pieces.push((false, before));
        pieces.push((true, code));
        rest = after;
    }
    pieces.push((false, rest));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_between_two_backticks() {
        for (text, expected) in [
            ("", vec![]),
            ("plain", vec![(false, "plain")]),
            ("`op` in `Add`", vec![(true, "op"), (false, " in "), (true, "Add")]),
            ("a ` b", vec![(false, "a ` b")]),
            ("`a` ` b", vec![(true, "a"), (false, " ` b")]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }
}
