//! Rules that every error message for a client keeps.

/// Returns the first name of the source code, such as `page_size`, that a message contains outside of backticks. A
/// client's engineer does not know these names.
///
/// ```
/// use testdata::message::source_name_in;
///
/// assert_eq!(source_name_in("the page_size is too large"), Some("page_size"));
/// assert_eq!(source_name_in("`user_name` is not an attribute of User"), None);
/// ```
#[must_use]
pub fn source_name_in(message: &str) -> Option<&str> {
    // The parts with an even number of backticks before them are outside of backticks.
    let outside = message.split('`').step_by(2);
    let words =
        outside.flat_map(|part| part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')));
    words.into_iter().find(|word| {
        let is_name = |separator| word.split(separator).filter(|part| !part.is_empty()).count() > 1;
        !word.contains("urn:") && (is_name("_") || is_name("::"))
    })
}
