//! The rows that can match a filter, as far as the indexes can tell.

use std::borrow::Cow;
use std::collections::BTreeSet;

use scim_filter::{CompareOp, Predicate};
use scim_schema::{Operand, ResourceType};

use super::table::Table;
use super::tenant::Tenant;

/// The rows that can match a filter; `None` if that can be all rows. The filter must still be evaluated for each of
/// them.
pub(super) fn candidates<'t>(
    resource_type: &ResourceType,
    tenant: &Tenant,
    table: &'t Table,
    filter: &Predicate,
) -> Option<Cow<'t, BTreeSet<u64>>> {
    let of = |filter: &Predicate| candidates(resource_type, tenant, table, filter);
    match filter {
        Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) } => {
            if target.path().as_str() == "id" {
                let found = tenant.address(resource_type, text.original()).ok();
                return Some(Cow::Owned(found.map(|address| address.number).into_iter().collect()));
            }
            table.rows_with_key(target, text.folded())
        }
        Predicate::Any { inner, .. } => of(inner),
        Predicate::And(terms) => {
            let mut sets: Vec<_> = terms.iter().filter_map(of).collect();
            let smallest = (0..sets.len()).min_by_key(|index| sets.get(*index).map_or(0, |set| set.len()))?;
            let smallest = sets.swap_remove(smallest);
            if sets.is_empty() {
                return Some(smallest);
            }
            let is_in_all = |row: &&u64| sets.iter().all(|set| set.contains(row));
            Some(Cow::Owned(smallest.iter().filter(is_in_all).copied().collect()))
        }
        Predicate::Or(terms) => {
            let mut all = BTreeSet::new();
            for term in terms {
                all.extend(of(term)?.iter());
            }
            Some(Cow::Owned(all))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scim_filter::Filter;
    use scim_schema::{ReadContext, Tolerance, standard};
    use serde_json::json;

    use super::super::table::Row;
    use super::super::tenant::RowAddress;
    use super::*;
    use crate::Resource;

    /// A tenant with 20 users: every second one has the display name Bea, every third one a common address.
    fn tenant(resource_type: &ResourceType) -> Tenant {
        let mut tenant = Tenant::default();
        let mut table = Table::new(resource_type, &Default::default());
        for number in 0..20_u64 {
            let id = format!("id{number}");
            let mut user = json!({
                "id": id, "userName": format!("user{number}"), "externalId": format!("X{number}"),
                "emails": [{ "type": "work", "value": format!("{number}@example.com") }],
            });
            if number % 2 == 0 {
                user["displayName"] = json!("Bea");
            }
            if number % 3 == 0 {
                user["emails"] = json!([user["emails"][0], { "type": "home", "value": "home@example.com" }]);
            }
            let resource = Resource::try_from(user).unwrap();
            table.insert(
                number,
                Row { id: id.clone(), resource, members: Default::default(), password_hash: None },
            );
            tenant.addresses.insert(id, RowAddress { table: resource_type.name().to_owned(), number });
        }
        tenant.tables.insert(resource_type.name().to_owned(), table);
        tenant
    }

    #[test]
    fn candidates_are_the_rows_with_the_values_of_the_filter() {
        let user = standard::user_type();
        let tenant = tenant(&user);
        let (table, tolerance) = (&tenant.tables[user.name()], Tolerance::strict());
        let cases: &[(&str, Option<&[u64]>)] = &[
            (r#"userName eq "USER7""#, Some(&[7])),
            (r#"externalId eq "X7""#, Some(&[7])),
            (r#"externalId eq "x7""#, Some(&[])),
            (r#"emails.value eq "7@EXAMPLE.com""#, Some(&[7])),
            (r#"emails[type eq "work" and value eq "7@example.com"]"#, Some(&[7])),
            (r#"emails[value eq "home@example.com"] and displayName eq "bea""#, Some(&[0, 6, 12, 18])),
            (r#"displayName eq "bea" and title pr and externalId eq "X4""#, Some(&[4])),
            (r#"displayName eq "bea" and externalId eq "X5""#, Some(&[])),
            (r#"id eq "id3" or userName eq "user1" or emails.value eq "19@example.com""#, Some(&[1, 3, 19])),
            (r#"id eq "id3" or title eq "Dr""#, None),
            (r#"id eq "unknown""#, Some(&[])),
            (r#"not (userName eq "user1")"#, None),
            (r#"userName sw "user1""#, None),
            (r#"title eq "Dr" and active eq true"#, None),
        ];
        for (text, expected) in cases {
            let filter: Filter = text.parse().unwrap();
            let filter = filter.resolve(&user, &mut ReadContext::new(&tolerance)).unwrap();
            let found = candidates(&user, &tenant, table, &filter).map(|rows| rows.iter().copied().collect());
            assert_eq!(found, expected.map(<[u64]>::to_vec), "{text}");
        }
    }
}
