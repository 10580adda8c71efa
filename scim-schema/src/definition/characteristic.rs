//! The characteristics of attributes that are keywords (RFC 7643 section 7).

use std::fmt;

use serde::Serialize;

/// Declares a characteristic whose values are fixed keywords, once for code and JSON.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The keyword as it stands in a schema.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The characteristic that a keyword means; case does not matter, as little as in names.
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
        /// A whole number.
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
    /// Whether values are text of the client's choice, which has a length and may have case.
    pub(crate) fn is_textual(self) -> bool {
        matches!(self, Self::String | Self::Reference | Self::Binary)
    }

    /// Whether `uniqueness` has a meaning (RFC 7643 sections 2.3.2, 2.3.6 and 2.3.8).
    pub(crate) fn may_be_unique(self) -> bool {
        !matches!(self, Self::Complex | Self::Boolean | Self::Binary)
    }
}

keywords! {
    /// Who may write an attribute, and when (RFC 7643 section 7).
    Mutability {
        /// Only the service provider writes it.
        ReadOnly = "readOnly",
        /// It may be changed at any time.
        ReadWrite = "readWrite",
        /// It is written once and never changed.
        Immutable = "immutable",
        /// It may be written but is never read back.
        WriteOnly = "writeOnly",
    }
}

keywords! {
    /// When an attribute is part of a response (RFC 7643 section 7).
    Returned {
        /// Always, whatever is asked for.
        Always = "always",
        /// Never, whatever is asked for.
        Never = "never",
        /// Unless it is excluded.
        Default = "default",
        /// Only when it is asked for, or was just written by the client.
        Request = "request",
    }
}

keywords! {
    /// Where values must differ (RFC 7643 section 7).
    Uniqueness {
        /// Nowhere.
        None = "none",
        /// Among the resources of a type in a tenant.
        Server = "server",
        /// Everywhere; a service enforces it like `server`.
        Global = "global",
    }
}
