//! The characteristics of attributes that are keywords (RFC 7643 section 7).

use std::fmt;

use serde::Serialize;

/// Declares an enum of keywords, with its conversions to and from the keywords in JSON.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The keyword in a schema.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Parses a keyword in any case.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|keyword| keyword.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

keywords! {
    /// The data type of an attribute's values (RFC 7643 section 2.3).
    Type {
        /// Unicode text.
        String = "string",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A number, with or without a fraction.
        Decimal = "decimal",
        /// An integer.
        Integer = "integer",
        /// An `xsd:dateTime`.
        DateTime = "dateTime",
        /// Base64 text.
        Binary = "binary",
        /// A URI.
        Reference = "reference",
        /// An object of sub-attributes.
        Complex = "complex",
    }
}

impl Type {
    /// Whether values are free text, to which `caseExact` and a maximum length apply.
    pub(crate) fn is_textual(self) -> bool {
        matches!(self, Self::String | Self::Reference | Self::Binary)
    }

    /// Whether `uniqueness` applies to the type (RFC 7643 sections 2.3.2, 2.3.6 and 2.3.8).
    pub(crate) fn may_be_unique(self) -> bool {
        !matches!(self, Self::Complex | Self::Boolean | Self::Binary)
    }
}

keywords! {
    /// Who can write an attribute, and when (RFC 7643 section 7).
    Mutability {
        /// Only the service provider writes it.
        ReadOnly = "readOnly",
        /// A client can change it at any time.
        ReadWrite = "readWrite",
        /// A client can set it once; then it never changes.
        Immutable = "immutable",
        /// A client can write it, but no response contains it.
        WriteOnly = "writeOnly",
    }
}

keywords! {
    /// When a response contains an attribute (RFC 7643 section 7).
    Returned {
        /// Always, even if the client excludes it.
        Always = "always",
        /// Never, even if the client requests it.
        Never = "never",
        /// By default, unless the client excludes it or requests only other attributes.
        Default = "default",
        /// Only if the client requests it, or has just written it.
        Request = "request",
    }
}

keywords! {
    /// Among which resources the values of an attribute must be unique (RFC 7643 section 7).
    Uniqueness {
        /// Values need not be unique.
        None = "none",
        /// Unique among the resources of the type in a tenant.
        Server = "server",
        /// Unique everywhere. A service can enforce it only like `server`.
        Global = "global",
    }
}
