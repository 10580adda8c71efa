//! What somebody may have meant who wrote a name that no attribute has.

use scim_core::schema::{Attribute, ResourceType};

/// Names that other programs give to columns, and the path that is meant.
const OTHER_NAMES: [(&str, &str); 15] = [
    ("email", "emails[type eq \"work\"].value"),
    ("mail", "emails[type eq \"work\"].value"),
    ("emailaddress", "emails[type eq \"work\"].value"),
    ("phone", "phoneNumbers[type eq \"work\"].value"),
    ("phonenumber", "phoneNumbers[type eq \"work\"].value"),
    ("telephone", "phoneNumbers[type eq \"work\"].value"),
    ("mobile", "phoneNumbers[type eq \"mobile\"].value"),
    ("firstname", "name.givenName"),
    ("lastname", "name.familyName"),
    ("surname", "name.familyName"),
    ("login", "userName"),
    ("user", "userName"),
    ("jobtitle", "title"),
    ("enabled", "active"),
    ("language", "preferredLanguage"),
];

/// The path of an attribute with a similar name.
pub(super) fn similar(name: &str, resource_type: &ResourceType) -> Option<String> {
    let wanted = letters(name);
    if let Some((_, path)) = OTHER_NAMES.iter().find(|(other, _)| *other == wanted) {
        let attribute = path.split(['[', '.']).next()?;
        return resource_type.attribute(attribute).map(|_| (*path).to_owned());
    }
    let simple = resource_type.all_attribute_refs().filter(|target| {
        !target.is_complex() && !target.is_derived() && !(target.attribute().is_multi_valued())
    });
    let distance = |target: &scim_core::schema::AttributeRef| {
        let full = distance(&letters(target.path().as_str()), &wanted);
        full.min(distance(&letters(target.definition().name()), &wanted))
    };
    // One letter in four may be wrong.
    let allowed = (wanted.chars().count() / 4).min(3);
    let best = simple.map(|target| (distance(target), target)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= allowed).then(|| best.1.path().to_string())
}

/// The first suggested `type` of the elements of a list.
pub(super) fn first_type(list: &Attribute) -> Option<&str> {
    let sub = list.sub_attributes().iter().find(|sub| sub.name() == "type")?;
    sub.canonical_values().first().map(String::as_str)
}

/// The letters and digits, in lower case; not too many of them.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).take(100).flat_map(char::to_lowercase).collect()
}

/// How many letters must be inserted, deleted or replaced (the distance of Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, a) in a.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((b, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(a != *b)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, expected) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected);
        }
    }
}
