//! Attribute paths in standard notation (RFC 7644 section 3.10).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The name of an attribute: `[URI ":"] name ["." sub-attribute]` (RFC 7644 section 3.10).
///
/// Paths are compared without regard to ASCII case. The name begins after the last `:`, because a URI can
/// contain dots and digits too. A path without a URI usually needs no allocation.
///
/// ```
/// use scim_schema::AttrPath;
///
/// let path: AttrPath = "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName".parse()?;
/// assert_eq!(path.uri(), Some("urn:ietf:params:scim:schemas:core:2.0:User"));
/// assert_eq!((path.attribute(), path.sub_attribute()), ("name", Some("familyName")));
/// assert_eq!("userName".parse::<AttrPath>()?, "USERNAME".parse()?);
/// # Ok::<(), scim_schema::InvalidPath>(())
/// ```
#[derive(Clone)]
pub struct AttrPath {
    text: CompactString,
    /// Where the attribute's name begins: after the URI's `:`, or 0.
    attr: u32,
    /// Where the sub-attribute's name begins: after the `.`, or 0 for none.
    sub: u32,
}

/// The reason why a text is not an attribute path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPath(&'static str);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidPath {}

impl AttrPath {
    /// Parses a path.
    ///
    /// # Errors
    ///
    /// If a name is missing or malformed, or if there is more than one sub-attribute.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        match Self::parse_prefix(text)? {
            ("", path) => Ok(path),
            _ => Err(InvalidPath("the path contains a character that is not allowed in an attribute path")),
        }
    }

    /// Parses a path at the beginning of a text. The path ends before the first character that cannot be part of
    /// a path. Returns the rest of the text and the path.
    ///
    /// ```
    /// use scim_schema::AttrPath;
    ///
    /// let (rest, path) = AttrPath::parse_prefix("emails.type eq \"work\"")?;
    /// assert_eq!((path.as_str(), rest), ("emails.type", " eq \"work\""));
    /// # Ok::<(), scim_schema::InvalidPath>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    #[inline]
    pub fn parse_prefix(text: &str) -> Result<(&str, Self), InvalidPath> {
        let bytes = text.as_bytes();
        let name = name_length(bytes);
        // Most paths are a bare name, without a URI or a sub-attribute.
        let is_bare_name = starts_with_letter(bytes)
            && bytes.get(name).is_none_or(|next| ByteClass::new(*next) == ByteClass::Other);
        let (attr, sub, end) = if is_bare_name { (0, 0, name) } else { split(text)? };
        let (path, rest) = text.split_at_checked(end).unwrap_or_default();
        Ok((rest, Self { text: path.into(), attr, sub }))
    }

    /// The path of a top-level attribute, or of a sub-attribute, with an optional URI.
    pub(crate) fn join(uri: Option<&str>, attribute: &str, sub: Option<&str>) -> Self {
        let mut text = String::new();
        if let Some(uri) = uri {
            text.push_str(uri);
            text.push(':');
        }
        let attr = text.len();
        text.push_str(attribute);
        let mut start = 0;
        if let Some(sub) = sub {
            text.push('.');
            start = text.len();
            text.push_str(sub);
        }
        let offset = |n: usize| u32::try_from(n).unwrap_or(0);
        Self { text: text.into(), attr: offset(attr), sub: offset(start) }
    }

    /// The text of the path.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI in front of the name, without its `:`.
    pub fn uri(&self) -> Option<&str> {
        self.text.get(..(self.attr as usize).checked_sub(1)?)
    }

    /// The attribute's name.
    pub fn attribute(&self) -> &str {
        let end = if self.sub == 0 { self.text.len() } else { (self.sub as usize).saturating_sub(1) };
        self.text.get(self.attr as usize..end).unwrap_or_default()
    }

    /// The sub-attribute's name.
    pub fn sub_attribute(&self) -> Option<&str> {
        if self.sub == 0 { None } else { self.text.get(self.sub as usize..) }
    }
}

/// Returns where the attribute and the sub-attribute begin, and where the path ends.
///
/// Each `:` starts the name again, because everything before it turns out to be part of the URI. So only the dots
/// and the misplaced characters after the last `:` count.
fn split(text: &str) -> Result<(u32, u32, usize), InvalidPath> {
    const NAME: InvalidPath =
        InvalidPath("an attribute name must be a letter followed by letters, digits, `-`, `_` or `$`");
    const SUB: InvalidPath =
        InvalidPath("a sub-attribute name must be a letter followed by letters, digits, `-`, `_` or `$`");
    let bytes = text.as_bytes();
    let from = |start: usize| bytes.get(start..).unwrap_or_default();
    let (mut attr, mut dots, mut sub, mut misplaced) = (0, 0, 0, 0);
    let mut end = 0;
    loop {
        end += name_length(from(end));
        match from(end).first().map_or(ByteClass::Other, |byte| ByteClass::new(*byte)) {
            ByteClass::Dot => (dots, sub) = (dots + 1, end + 1),
            ByteClass::Colon => (attr, dots, sub, misplaced) = (end + 1, 0, 0, 0),
            ByteClass::Name | ByteClass::Uri => misplaced += 1,
            ByteClass::Other => break,
        }
        end += 1;
    }
    if attr > 0 && !text.get(..attr - 1).is_some_and(is_uri) {
        return Err(InvalidPath("the text before the last `:` is not a schema URI"));
    }
    // In a value filter on references, `$ref` is a path of its own.
    let is_name = |start: usize, end: usize| {
        starts_with_letter(from(start))
            || text.get(start..end).is_some_and(|name| name.eq_ignore_ascii_case("$ref"))
    };
    if misplaced > 0 || !is_name(attr, if sub > 0 { sub - 1 } else { end }) {
        return Err(NAME);
    }
    if dots > 1 {
        return Err(InvalidPath("a path can have at most one sub-attribute"));
    }
    if sub > 0 && !is_name(sub, end) {
        return Err(SUB);
    }
    match (u32::try_from(attr), u32::try_from(sub)) {
        (Ok(attr), Ok(sub)) => Ok((attr, sub, end)),
        _ => Err(InvalidPath("the path is too long")),
    }
}

/// The number of bytes at the beginning that can be part of a name.
#[inline]
fn name_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| ByteClass::new(*byte) != ByteClass::Name).unwrap_or(bytes.len())
}

#[inline]
fn starts_with_letter(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
}

/// The role that a byte can have in a path.
#[derive(Clone, Copy, PartialEq)]
enum ByteClass {
    Name,
    Dot,
    Colon,
    /// Allowed only in the URI before the name.
    Uri,
    /// Not allowed in a path, for example a blank, or a bracket, which delimits a value filter.
    Other,
}

impl ByteClass {
    /// Looked up in a table, because every comparison of every filter parses a path.
    #[inline]
    fn new(byte: u8) -> Self {
        const TABLE: [ByteClass; 256] = {
            let mut table = [ByteClass::Other; 256];
            let mut byte = 0;
            while byte < 128 {
                #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
                {
                    table[byte as usize] = match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'$' => ByteClass::Name,
                        b'.' => ByteClass::Dot,
                        b':' => ByteClass::Colon,
                        b'~' | b'/' | b'?' | b'#' | b'@' | b'!' | b'%' => ByteClass::Uri,
                        b'&' | b'\'' | b'*' | b'+' | b',' | b';' | b'=' => ByteClass::Uri,
                        _ => ByteClass::Other,
                    };
                }
                byte += 1_u8;
            }
            table
        };
        TABLE.get(usize::from(byte)).copied().unwrap_or(ByteClass::Other)
    }
}

/// Whether a text has the form `scheme ":" rest`, with only the characters that RFC 3986 allows.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut scheme = scheme.bytes();
    scheme.next().is_some_and(|b| b.is_ascii_alphabetic())
        && scheme.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest.bytes().all(|b| ByteClass::new(b) != ByteClass::Other)
}

impl FromStr for AttrPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        Self::parse(text)
    }
}

impl PartialEq for AttrPath {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for AttrPath {}

impl Hash for AttrPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.text.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttrPath({})", self.text)
    }
}

impl Serialize for AttrPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for AttrPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_begins_after_the_last_colon() {
        let path = AttrPath::parse("urn:example:a.b:2.0:User:manager.$ref").unwrap();
        assert_eq!(path.uri(), Some("urn:example:a.b:2.0:User"));
        assert_eq!(path.attribute(), "manager");
        assert_eq!(path.sub_attribute(), Some("$ref"));
        assert_eq!(AttrPath::join(path.uri(), "manager", Some("$ref")), path);
    }

    #[test]
    fn malformed_paths_are_refused() {
        for text in
            ["", ".", "a.", ".a", "1a", "a.b.c", "a b", "$id", "urn:a", ":a", "a:", "urn::a", "a.1", "é"]
        {
            // In `urn:a` the attribute is `a`, and `urn` alone is not a URI.
            assert!(AttrPath::parse(text).is_err(), "{text}");
        }
    }
}
