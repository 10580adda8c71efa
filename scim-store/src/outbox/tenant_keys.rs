//! The names of tenants in the tables of an outbox.

/// How the tables of an outbox store tenants. Equal tenants must have one name, since each name has its own positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TenantKeys {
    /// As the tables of `Store` do: see [`tenant_key`](crate::store::tables::tenant_key).
    Store,
    /// The tenant itself, and an empty text for none.
    Text,
    /// As [`Text`](Self::Text), but `07` is the number 7.
    Integer,
    /// As [`Text`](Self::Text), in lower case.
    Uuid,
}

impl TenantKeys {
    pub(crate) fn encode(self, tenant: Option<&str>) -> String {
        let text = tenant.unwrap_or_default();
        match self {
            Self::Store => crate::store::tables::tenant_key(tenant),
            Self::Text => text.to_owned(),
            Self::Integer => text.parse().map_or_else(|_| text.to_owned(), |number: i64| number.to_string()),
            Self::Uuid => text.to_ascii_lowercase(),
        }
    }

    pub(crate) fn decode(self, key: &str) -> Option<String> {
        match self {
            Self::Store => crate::store::tables::tenant_name(key),
            Self::Text | Self::Integer | Self::Uuid => (!key.is_empty()).then(|| key.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TenantKeys::{Integer, Store, Text, Uuid};

    #[test]
    fn equal_tenants_have_one_name() {
        for (keys, tenant, key, decoded) in [
            (Store, None, ".", None),
            (Store, Some(""), ":", Some("")),
            (Store, Some("a"), ":a", Some("a")),
            (Text, None, "", None),
            (Text, Some("A"), "A", Some("A")),
            (Integer, Some("+07"), "7", Some("7")),
            (Integer, Some("x"), "x", Some("x")),
            (Uuid, Some("0F"), "0f", Some("0f")),
        ] {
            assert_eq!(keys.encode(tenant), key);
            assert_eq!(keys.decode(key).as_deref(), decoded);
        }
    }
}
