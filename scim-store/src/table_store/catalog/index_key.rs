//! The text form of index keys in which those of the two databases, and of the declaration, compare.

use crate::table_store::sql::quote;

/// Removes what different spellings of one expression differ by: blanks, quotes, casts, case, and parentheses that are
/// not those of a function.
pub(crate) fn normalize(expression: &str) -> String {
    let lower = expression.to_ascii_lowercase();
    let without_casts = remove_casts(&lower);
    let mut out = String::with_capacity(without_casts.len());
    let mut calls = Vec::new();
    for c in without_casts.chars().filter(|c| *c != '"' && !c.is_whitespace()) {
        match c {
            '(' => {
                let is_call = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                calls.push(is_call);
                if is_call {
                    out.push(c);
                }
            }
            ')' => {
                if calls.pop().unwrap_or(true) {
                    out.push(c);
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// A column as a key.
pub(crate) fn column_key(name: &str) -> String {
    normalize(&quote(name))
}

/// Removes casts in the syntax of PostgreSQL: `::text`, `::character varying`.
fn remove_casts(text: &str) -> String {
    let mut parts = text.split("::");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix("character varying").unwrap_or(part);
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        out.push_str(rest.get(if rest.len() == part.len() { end } else { 0 }..).unwrap_or_default());
    }
    out
}

/// The keys in the statement that created an index of SQLite, each normalized, and with ` nocase` if it has that
/// collation; and the normalized condition of a partial index.
pub(super) fn parse_create_index(sql: &str) -> (Vec<String>, Option<String>) {
    let (mut depth, mut keys, mut start, mut end) = (0_usize, Vec::new(), 0, sql.len());
    // The quote that ends the name or text at the current position.
    let mut quoted = None;
    for (index, c) in sql.char_indices() {
        match (quoted, c) {
            (Some(quote), _) => quoted = quoted.filter(|_| c != quote),
            (None, '"' | '\'' | '`') => quoted = Some(c),
            (None, '[') => quoted = Some(']'),
            (None, '(') => {
                depth += 1;
                start = if depth == 1 { index + 1 } else { start };
            }
            (None, ',' | ')') if depth == 1 => {
                keys.push(parse_key(sql.get(start..index).unwrap_or_default()));
                start = index + 1;
                if c == ')' {
                    end = index + 1;
                    break;
                }
            }
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let rest = sql.get(end..).unwrap_or_default().trim_start();
    let is_partial = rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("where"));
    (keys, is_partial.then(|| normalize(rest.get(5..).unwrap_or_default())))
}

fn parse_key(text: &str) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.last().is_some_and(|word| word.eq_ignore_ascii_case("asc") || word.eq_ignore_ascii_case("desc"))
    {
        words.pop();
    }
    let is_nocase = match words.as_slice() {
        [.., collate, collation] => {
            collate.eq_ignore_ascii_case("collate") && collation.eq_ignore_ascii_case("nocase")
        }
        _ => false,
    };
    if is_nocase {
        words.truncate(words.len() - 2);
    }
    format!("{}{}", normalize(&words.join(" ")), if is_nocase { " nocase" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_expression_are_equal() {
        for text in [
            "lower(login)",
            "lower((login)::text)",
            "LOWER( \"login\" )",
            "(lower((login)::character varying))",
        ] {
            assert_eq!(normalize(text), "lower(login)", "{text}");
        }
        assert_eq!(normalize("(deleted_at IS NULL)"), "deleted_atisnull");
        assert_eq!(normalize("t.\"deleted_at\" is null"), "t.deleted_atisnull");
    }

    #[test]
    fn keys_are_read_from_the_statement() {
        let parsed = parse_create_index(
            "CREATE UNIQUE INDEX people_login ON people (org_id, lower(\"login\") DESC, mail COLLATE NOCASE) \
             WHERE deleted_at IS NULL",
        );
        let keys = ["org_id", "lower(login)", "mail nocase"].map(str::to_owned).to_vec();
        assert_eq!(parsed, (keys, Some("deleted_atisnull".to_owned())));
        assert_eq!(parse_create_index("CREATE INDEX i ON t (a)"), (vec!["a".to_owned()], None));
        let parsed = parse_create_index("CREATE INDEX i ON \"t(\" (\"a,b\", lower(\"c)\"), [d,e])");
        assert_eq!(parsed.0.len(), 3, "{parsed:?}");
    }
}
