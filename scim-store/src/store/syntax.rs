//! Translates statements from the syntax of SQLite to that of PostgreSQL.

/// Translates a statement.
pub(super) fn translate(sql: &str) -> String {
    // The planner expects many rows from a function, and would read the whole table for IN. It uses an index for
    // ANY of an array.
    let list = "(SELECT e.value->>0 FROM json_each(?2) e)";
    let sql = &sql.replace(&format!("IN {list}"), &format!("= ANY (ARRAY{list})"));
    let mut out = String::with_capacity(sql.len() + 32);
    let mut rest: &str = sql;
    while let Some((before, after)) = rest.split_once("(?") {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = after.split_at_checked(digits).unwrap_or_default();
        let functions =
            [("json_each", "jsonb_array_elements", ") e", ") AS e(value)"), ("json", "", ")", ")")];
        let found = functions.iter().find_map(|(name, replacement, end, close)| {
            Some((before.strip_suffix(name)?, replacement, tail.strip_prefix(end)?, close))
        });
        match found {
            Some((before, function, tail, close)) => {
                out.push_str(before);
                out.push_str(&format!("{function}(${number}::text::jsonb{close}"));
                rest = tail;
            }
            None => {
                out.push_str(before);
                out.push_str("(?");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    // A question mark in a string literal is not a parameter.
    let mut quoted = false;
    out.chars()
        .map(|c| match c {
            '\'' => {
                quoted = !quoted;
                c
            }
            '?' if !quoted => '$',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_and_json_functions_are_translated() {
        let sql = "INSERT INTO a SELECT ?1, json(?2), e.value->>0 FROM json_each(?3) e WHERE x IN (?4) AND y = 'it''s?'";
        let expected = "INSERT INTO a SELECT $1, ($2::text::jsonb), e.value->>0 \
                        FROM jsonb_array_elements($3::text::jsonb) AS e(value) WHERE x IN ($4) AND y = 'it''s?'";
        assert_eq!(super::translate(sql), expected);
    }
}
