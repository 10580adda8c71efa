//! What the library puts up with: one name for each deviation from the RFCs, in one table.

use std::fmt;

/// Declares the quirks, their names and what they mean, once.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A way in which real clients deviate from RFC 7643 and 7644 that has one sane reading.
        ///
        /// Each can be switched alone (see [`Tolerance`]) and is reported when it fires (see
        /// [`ReadContext`](crate::ReadContext)), so that a host can see what its identity provider gets wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Quirk { $($(#[doc = $doc])+ $variant,)+ }

        impl Quirk {
            /// Every quirk, in the order of the table.
            pub const ALL: &[Quirk] = &[$(Quirk::$variant,)+];

            /// A stable name for logs and configuration.
            ///
            /// ```
            /// assert_eq!(scim_schema::Quirk::BooleanAsString.name(), "boolean-as-string");
            /// ```
            pub fn name(self) -> &'static str {
                match self { $(Quirk::$variant => $name,)+ }
            }
        }
    };
}

quirks! {
    /// `op` in other letters than `add`, `remove` and `replace`, as `Add` (RFC 7644 section 3.5.2).
    OperationCase = "operation-case",
    /// Member names of messages in other case, as `operations` (RFC 7644 section 3.5.2).
    MemberCase = "member-case",
    /// A message without its `schemas`, or with others (RFC 7644 section 3.1).
    MessageSchemas = "message-schemas",
    /// Members of a message that its schema does not define.
    ForeignMember = "foreign-member",
    /// A PATCH operation without `path`: legal in RFC 7644 section 3.5.2, refused by the interop profile.
    PathlessOperation = "pathless-operation",
    /// `add` or `replace` of a whole element that a value filter selects: legal in RFC 7644 section
    /// 3.5.2.3, refused by the interop profile.
    WholeElement = "whole-element",
    /// A value filter of a PATCH path that selects several elements: legal in RFC 7644 section 3.5.2,
    /// refused by the interop profile.
    SeveralSelected = "several-selected",
    /// `remove` with a `value` (RFC 7644 section 3.5.2.2 defines none): if the path is a multi-valued
    /// attribute it lists what to remove, else it means nothing.
    RemoveWithValue = "remove-with-value",
    /// `replace` of a sub-attribute of an element that a value filter describes but does not find, as
    /// `emails[type eq "work"].value`, creates the element (RFC 7644 section 3.5.2.3 says `noTarget`).
    ReplaceCreates = "replace-creates",
    /// `replace` of an element that a value filter selects keeps the sub-attributes that are not
    /// given (RFC 7644 section 3.5.2.3 replaces the element).
    ReplaceMerges = "replace-merges",
    /// `add` with null changes nothing (RFC 7644 section 3.5.2.1 requires a value).
    AddNothing = "add-nothing",
    /// A value that repeats the name of the attribute in its path, as `{"members": [..]}` for `members`.
    WrappedValue = "wrapped-value",
    /// JSON in a string where a complex value belongs, as `"[{\"value\": ..}]"`.
    JsonText = "json-text",
    /// `readOnly` attributes inside the value of a PATCH without path are ignored (RFC 7644 section 3.5.2).
    ReadOnlyIgnored = "read-only-ignored",
    /// Keys with a dot, as `name.familyName`, or with a value path, inside a value.
    DottedKey = "dotted-key",
    /// Keys qualified with a URN, as `urn:..:User:department`, inside a value.
    QualifiedKey = "qualified-key",
    /// A `.` between a schema URI and an attribute, as `urn:..:User.manager` (RFC 7644 section 3.10).
    DottedUri = "dotted-uri",
    /// The attribute of an extension without its URI (RFC 7644 section 3.10 says that it SHOULD be there).
    UnqualifiedExtension = "unqualified-extension",
    /// The attribute of an extension at the top level of a resource (RFC 7643 section 3.3).
    FlatExtension = "flat-extension",
    /// URIs in `schemas` that the resource type does not have are ignored (RFC 7643 section 3).
    ForeignSchema = "foreign-schema",
    /// A URI that is in `schemas` twice (RFC 7643 section 3).
    RepeatedSchema = "repeated-schema",
    /// `schemas` missing or empty in a resource (RFC 7643 section 3).
    MissingSchemas = "missing-schemas",
    /// Attributes that the resource type does not have are ignored.
    UnknownAttribute = "unknown-attribute",
    /// `displayName` for the `display` of an element.
    DisplayNameForDisplay = "display-name-for-display",
    /// `"True"` for `true` (RFC 7643 section 2.3.2).
    BooleanAsString = "boolean-as-string",
    /// A number for a string (RFC 7643 section 2.3.1).
    NumberForString = "number-for-string",
    /// `"5"` for `5` (RFC 7643 sections 2.3.3 and 2.3.4).
    NumberAsString = "number-as-string",
    /// `5.0` or `5e0` for the whole number 5 (RFC 7643 section 2.3.4).
    FractionForInteger = "fraction-for-integer",
    /// A list of one for a singular attribute (RFC 7643 section 2.4).
    ListForSingular = "list-for-singular",
    /// A single value for a multi-valued attribute (RFC 7643 section 2.4).
    SingularForList = "singular-for-list",
    /// A string for a complex attribute that has a `value` (RFC 7643 section 2.3.8).
    StringForComplex = "string-for-complex",
    /// Elements of another `type` than the one that is kept are left out of a list that keeps a single
    /// element (see [`Attribute::single`](crate::Attribute::single)).
    OtherType = "other-type",
    /// An empty string for a complex attribute unassigns it.
    EmptyForComplex = "empty-for-complex",
    /// `{"value": x}` for x, where an attribute has no sub-attributes (RFC 7643 section 2.3).
    ValueObject = "value-object",
    /// Text with blanks in an attribute of type `reference` (RFC 7643 section 2.3.7).
    NotUri = "not-uri",
    /// A string in a binary attribute that is not base64 (RFC 7643 section 2.3.6).
    NotBase64 = "not-base64",
    /// A bare word or number in place of a quoted string in a filter (RFC 7644 figure 1).
    UnquotedLiteral = "unquoted-literal",
    /// `true`, `false` and `null` in other case in a filter (RFC 7644 figure 1).
    LiteralCase = "literal-case",
    /// No blank between an operator and a quoted string, as `eq"x"` (RFC 7644 figure 1).
    MissingBlank = "missing-blank",
    /// Repeated or surrounding blanks in a filter (RFC 7644 figure 1).
    ExtraBlanks = "extra-blanks",
    /// A comparison after a value path, as `emails[type eq "work"].value eq "x"` (RFC 7644 figure 1).
    ComparedValuePath = "compared-value-path",
    /// A value path on a singular complex attribute, as `name[givenName eq "x"]` (RFC 7644 section 3.5.2).
    FilteredSingular = "filtered-singular",
    /// The path of a PATCH operation is the bare URI of an extension (RFC 7644 figure 7).
    BareExtensionPath = "bare-extension-path",
    /// The path of a PATCH operation, or a key of its value, is the URI of the core schema, and means the
    /// resource (RFC 7644 figure 7).
    CoreSchemaPath = "core-schema-path",
    /// A PATCH that is the list of its operations, without the message around it (RFC 7644 section 3.5.2).
    BareOperations = "bare-operations",
    /// `not` in front of an expression without parentheses (RFC 7644 figure 1).
    BareNot = "bare-not",
    /// `filter` without a value is no filter (RFC 7644 section 3.4.2.2).
    EmptyFilter = "empty-filter",
    /// A `+` in a quoted text of a filter in a URL is a plus if the blanks of the filter are encoded in
    /// another way.
    RawPlus = "raw-plus",
    /// `attributes` and `excludedAttributes` in one request: the first counts (RFC 7644 section 3.9).
    BothProjections = "both-projections",
    /// `failOnErrors` of less than 1 is no limit (RFC 7644 section 3.7).
    NoErrorLimit = "no-error-limit",
    /// `startIndex` below 1, query parameters in other case, and the like (RFC 7644 section 3.4.2).
    ParameterForm = "parameter-form",
}

/// The set of quirks that are tolerated.
///
/// ```
/// use scim_schema::{Quirk, Tolerance};
///
/// let tolerance = Tolerance::strict().with(Quirk::OperationCase);
/// assert!(tolerance.allows(Quirk::OperationCase));
/// assert!(!tolerance.allows(Quirk::BooleanAsString));
/// assert!(Tolerance::default().allows(Quirk::BooleanAsString));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    quirks: u64,
    full_replace: bool,
}

impl Tolerance {
    /// Everything that real identity providers send and that has one sane reading. The default.
    pub fn lenient() -> Self {
        Quirk::ALL.iter().fold(Self { quirks: 0, full_replace: false }, |set, quirk| set.with(*quirk))
    }

    /// The letter of the RFCs.
    pub fn strict() -> Self {
        // All are legal; they are in the table because a host may want to know, and the interop
        // profile refuses most of them.
        Self { quirks: 0, full_replace: false }
            .with(Quirk::PathlessOperation)
            .with(Quirk::WholeElement)
            .with(Quirk::SeveralSelected)
            .with(Quirk::UnqualifiedExtension)
    }

    /// The interoperability profile of draft-zollner-scim-interop-profile: strict, a path in every
    /// PATCH operation, and `replace` of a complex attribute replaces all of it.
    pub fn interop() -> Self {
        let strict = Self::strict()
            .without(Quirk::PathlessOperation)
            .without(Quirk::WholeElement)
            .without(Quirk::SeveralSelected);
        Self { full_replace: true, ..strict }
    }

    /// The same set with one more.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks | bit(quirk), ..self }
    }

    /// The same set with one less.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks & !bit(quirk), ..self }
    }

    /// Whether a quirk is tolerated.
    pub fn allows(&self, quirk: Quirk) -> bool {
        self.quirks & bit(quirk) != 0
    }

    /// Whether `replace` of a complex attribute drops the sub-attributes that are not given
    /// (RFC 7644 section 3.5.2.3 keeps them, the interop profile does not).
    pub fn replaces_whole_complex(&self) -> bool {
        self.full_replace
    }
}

const _: () = assert!(Quirk::ALL.len() <= u64::BITS as usize, "each quirk has its bit");

fn bit(quirk: Quirk) -> u64 {
    1 << (quirk as u64)
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::lenient()
    }
}

impl fmt::Debug for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Quirk::ALL.iter().filter(|q| self.allows(**q)).map(|q| q.name())).finish()
    }
}
