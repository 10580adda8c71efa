//! The deviations from the RFCs that the library can tolerate, each with a name.

use std::fmt;

/// Declares the enum of quirks together with their names and their documentation.
macro_rules! quirks {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A deviation from RFC 7643 and RFC 7644 that occurs in real clients and has only one sensible meaning.
        ///
        /// Each quirk can be switched on and off (see [`Tolerance`]). Every tolerated quirk is recorded (see
        /// [`ReadContext`](crate::ReadContext)), so that a host can see how its identity provider deviates.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Quirk { $($(#[doc = $doc])+ $variant,)+ }

        impl Quirk {
            /// Every quirk, in the order of declaration.
            pub const ALL: &[Quirk] = &[$(Quirk::$variant,)+];

            /// A stable name for logs and configuration.
            ///
            /// ```
            /// assert_eq!(scim_schema::Quirk::BooleanAsString.name(), "boolean-as-string");
            /// ```
            pub fn name(self) -> &'static str {
                match self { $(Quirk::$variant => $name,)+ }
            }

            /// What the client does, and what it means, with code between backticks.
            ///
            /// ```
            /// let quirk = scim_schema::Quirk::BooleanAsString;
            /// assert_eq!(quirk.description(), "`\"True\"` for `true` (RFC 7643 section 2.3.2).");
            /// ```
            pub fn description(self) -> &'static str {
                match self { $(Quirk::$variant => concat!($($doc),+).trim_start(),)+ }
            }

            /// The quirk with this [name](Self::name).
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
            }
        }
    };
}

quirks! {
    /// `op` in another case than `add`, `remove` and `replace`: `Add` (RFC 7644 section 3.5.2).
    OperationCase = "operation-case",
    /// Member names of messages in another case: `operations` (RFC 7644 section 3.5.2).
    MemberCase = "member-case",
    /// A message without its `schemas`, or with other URIs in it (RFC 7644 section 3.1).
    MessageSchemas = "message-schemas",
    /// Members of a message that its schema does not define are ignored.
    ForeignMember = "foreign-member",
    /// A PATCH operation without `path`. RFC 7644 section 3.5.2 allows it; the interop profile does not.
    PathlessOperation = "pathless-operation",
    /// `add` or `replace` of a complete element that a value filter selects. RFC 7644 section 3.5.2.3 allows it;
    /// the interop profile does not.
    WholeElement = "whole-element",
    /// A value filter in a PATCH path that selects several elements. RFC 7644 section 3.5.2 allows it; the interop
    /// profile does not.
    SeveralSelected = "several-selected",
    /// `remove` with a `value`, which RFC 7644 section 3.5.2.2 does not define. If the path is a multi-valued
    /// attribute, the value lists the elements to remove; else it is ignored.
    RemoveWithValue = "remove-with-value",
    /// `replace` creates the element that a value filter describes if there is none: `emails[type eq "work"].value`
    /// (RFC 7644 section 3.5.2.3 requires the error `noTarget`).
    ReplaceCreates = "replace-creates",
    /// `replace` of an element that a value filter selects keeps the sub-attributes that the client omits (RFC 7644
    /// section 3.5.2.3 replaces the complete element).
    ReplaceMerges = "replace-merges",
    /// `add` with null changes nothing (RFC 7644 section 3.5.2.1 requires a value).
    AddNothing = "add-nothing",
    /// A PATCH value that repeats the name of the attribute in the path: `{"members": [..]}` for `members`.
    WrappedValue = "wrapped-value",
    /// A complex value that is sent as JSON in a string: `"[{\"value\": ..}]"`.
    JsonText = "json-text",
    /// `readOnly` attributes inside the value of a PATCH without path are ignored (RFC 7644 section 3.5.2).
    ReadOnlyIgnored = "read-only-ignored",
    /// Member names that are paths: `name.familyName`, or with a value filter.
    DottedKey = "dotted-key",
    /// Member names that are qualified with a schema URI: `urn:..:User:department`.
    QualifiedKey = "qualified-key",
    /// A `.` instead of `:` between a schema URI and an attribute: `urn:..:User.manager` (RFC 7644 section 3.10).
    DottedUri = "dotted-uri",
    /// A path to an attribute of an extension without the URI, which RFC 7644 section 3.10 says SHOULD be present.
    UnqualifiedExtension = "unqualified-extension",
    /// An attribute of an extension at the top level of a resource (RFC 7643 section 3.3).
    FlatExtension = "flat-extension",
    /// URIs in `schemas` that the resource type does not have are ignored (RFC 7643 section 3).
    ForeignSchema = "foreign-schema",
    /// A URI that occurs twice in `schemas` (RFC 7643 section 3).
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
    /// A list with one element for a singular attribute (RFC 7643 section 2.4).
    ListForSingular = "list-for-singular",
    /// A single value for a multi-valued attribute (RFC 7643 section 2.4).
    SingularForList = "singular-for-list",
    /// A string for a complex attribute that has a `value` (RFC 7643 section 2.3.8).
    StringForComplex = "string-for-complex",
    /// In a list that keeps only elements of one `type`, elements of other types are ignored.
    OtherType = "other-type",
    /// An empty string for a complex attribute unassigns it.
    EmptyForComplex = "empty-for-complex",
    /// `{"value": x}` for `x` in an attribute without sub-attributes (RFC 7643 section 2.3).
    ValueObject = "value-object",
    /// Text with blanks or control characters in an attribute of type `reference` (RFC 7643 section 2.3.7).
    NotUri = "not-uri",
    /// A string in a binary attribute that is not base64 (RFC 7643 section 2.3.6).
    NotBase64 = "not-base64",
    /// A bare word or number in place of a quoted string in a filter (RFC 7644 figure 1).
    UnquotedLiteral = "unquoted-literal",
    /// `true`, `false` and `null` in another case in a filter (RFC 7644 figure 1).
    LiteralCase = "literal-case",
    /// No blank between an operator and a quoted string: `eq"x"` (RFC 7644 figure 1).
    MissingBlank = "missing-blank",
    /// Repeated or surrounding blanks in a filter (RFC 7644 figure 1).
    ExtraBlanks = "extra-blanks",
    /// A comparison after a value path: `emails[type eq "work"].value eq "x"` (RFC 7644 figure 1).
    ComparedValuePath = "compared-value-path",
    /// A value path on a singular complex attribute: `name[givenName eq "x"]` (RFC 7644 section 3.5.2).
    FilteredSingular = "filtered-singular",
    /// The path of a PATCH operation is the bare URI of an extension (RFC 7644 figure 7).
    BareExtensionPath = "bare-extension-path",
    /// The path of a PATCH operation, or a member name in its value, is the URI of the core schema, and means the
    /// resource itself (RFC 7644 figure 7).
    CoreSchemaPath = "core-schema-path",
    /// The body of a PATCH is the bare list of operations, without the message around it (RFC 7644 section 3.5.2).
    BareOperations = "bare-operations",
    /// `not` in front of an expression without parentheses (RFC 7644 figure 1).
    BareNot = "bare-not",
    /// An empty `filter` parameter is ignored (RFC 7644 section 3.4.2.2).
    EmptyFilter = "empty-filter",
    /// A `+` inside a quoted string of a filter in a URL means a plus sign, and not a blank, if the blanks of the
    /// filter are encoded in another way.
    RawPlus = "raw-plus",
    /// `attributes` and `excludedAttributes` in the same request: `excludedAttributes` is ignored (RFC 7644 section
    /// 3.9).
    BothProjections = "both-projections",
    /// `failOnErrors` below 1 means no limit (RFC 7644 section 3.7).
    NoErrorLimit = "no-error-limit",
    /// A query of `/Users` or `/Groups` where there are none is answered with an empty list (RFC 7644 section 3.2 has an endpoint
    /// only for each resource type).
    AbsentCollection = "absent-collection",
    /// `startIndex` below 1, query parameters in another case, and similar forms (RFC 7644 section 3.4.2).
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
    replaces_all_sub_attributes: bool,
}

impl Tolerance {
    /// Tolerates every quirk. The default.
    pub fn lenient() -> Self {
        Quirk::ALL
            .iter()
            .fold(Self { quirks: 0, replaces_all_sub_attributes: false }, |set, quirk| set.with(*quirk))
    }

    /// Tolerates only what the RFCs allow.
    pub fn strict() -> Self {
        // The RFCs allow these four. They are quirks so that they are recorded, and because the interop profile
        // refuses the first three.
        Self { quirks: 0, replaces_all_sub_attributes: false }
            .with(Quirk::PathlessOperation)
            .with(Quirk::WholeElement)
            .with(Quirk::SeveralSelected)
            .with(Quirk::UnqualifiedExtension)
    }

    /// The interoperability profile of draft-zollner-scim-interop-profile: as [`strict`](Self::strict), but every
    /// PATCH operation must have a path, and `replace` of a complex attribute replaces all of its sub-attributes.
    pub fn interop() -> Self {
        let strict = Self::strict()
            .without(Quirk::PathlessOperation)
            .without(Quirk::WholeElement)
            .without(Quirk::SeveralSelected);
        Self { replaces_all_sub_attributes: true, ..strict }
    }

    /// Also tolerates a quirk.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks | bit(quirk), ..self }
    }

    /// No longer tolerates a quirk.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Self {
        Self { quirks: self.quirks & !bit(quirk), ..self }
    }

    /// Whether a quirk is tolerated.
    pub fn allows(&self, quirk: Quirk) -> bool {
        self.quirks & bit(quirk) != 0
    }

    /// Whether `replace` of a complex attribute removes the sub-attributes that the client omits. RFC 7644 section
    /// 3.5.2.3 keeps them; the interop profile removes them.
    pub fn replaces_all_sub_attributes(&self) -> bool {
        self.replaces_all_sub_attributes
    }
}

const _: () = assert!(Quirk::ALL.len() <= u64::BITS as usize, "there are more quirks than bits");

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
