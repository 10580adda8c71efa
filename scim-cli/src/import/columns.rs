//! The first row of a CSV file: which column is which attribute.

use csv::StringRecord;
use scim_core::schema::ResourceType;

use crate::column::Column;

/// The columns of a CSV file.
#[derive(Debug)]
pub(super) struct Columns {
    /// One for each column of the file; `None` for those that are left out.
    columns: Vec<Option<Column>>,
    /// The names in the file.
    pub(super) names: Vec<String>,
    /// What a person should know, although it is no error.
    pub(super) notes: Vec<String>,
}

impl Columns {
    /// Checks the first row.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with what to write instead.
    pub(super) fn new(
        header: &StringRecord,
        resource_type: &ResourceType,
        key: &str,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut notes = Vec::new();
        let mut columns: Vec<Option<Column>> = Vec::new();
        for (index, name) in header.iter().enumerate() {
            let name = name.trim();
            let place = format!("column {} ({name})", index + 1);
            let mut column = None;
            if name.is_empty() {
                problems.push(format!("column {} has no name in the first row", index + 1));
            } else if !name.starts_with('#') {
                match Column::parse(name, resource_type) {
                    Ok(found) if found.is_read_only() => {
                        notes.push(format!("{place} is left out: only the service writes it"));
                    }
                    Ok(found) => {
                        let earlier = columns
                            .iter()
                            .position(|other| other.as_ref().is_some_and(|other| other.overlaps(&found)));
                        if let Some(earlier) = earlier {
                            let paths = if found.path() == name {
                                String::new()
                            } else {
                                format!(" {}", found.path())
                            };
                            problems.push(format!(
                                "{place} is the same attribute{paths} as column {}; remove one",
                                earlier + 1
                            ));
                        }
                        column = Some(found);
                    }
                    Err(problem) => problems.push(format!("{place}: {problem}")),
                }
            }
            columns.push(column);
        }
        if !columns.iter().flatten().any(|column| column.path() == key) {
            problems.push(format!("there is no column {key}, by which the resources are found; add it"));
        }
        if header.len() == 1 && header.iter().any(|name| name.contains([';', '\t'])) {
            problems = vec![
                "there are no commas in the first row; say --delimiter ';' or --delimiter tab".to_owned(),
            ];
        }
        match problems.is_empty() {
            true => Ok(Self { columns, names: header.iter().map(str::to_owned).collect(), notes }),
            false => Err(problems),
        }
    }

    /// The columns that are imported, each with its index in a row.
    pub(super) fn imported(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter_map(|(index, column)| Some((index, column.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use scim_core::schema::standard;

    use super::*;

    #[test]
    fn all_problems_are_reported_together() {
        let header = ["id", "shoe", "emails.value", "title", "TITLE", "", "#note"];
        let problems = Columns::new(&StringRecord::from(header.to_vec()), &standard::user_type(), "userName")
            .unwrap_err();
        assert_eq!(
            problems,
            [
                "column 2 (shoe): there is no such attribute; remove the column, or begin its name with # to leave it out",
                "column 3 (emails.value): emails is a list; write emails[type eq \"work\"].value",
                "column 5 (TITLE) is the same attribute title as column 4; remove one",
                "column 6 has no name in the first row",
                "there is no column userName, by which the resources are found; add it",
            ]
        );
        let header = StringRecord::from(vec![
            "userName",
            "emails[type eq \"work\"].value",
            "emails[type eq \"WORK\"].value",
            "emails[type eq \"home\"].value",
        ]);
        let problems = Columns::new(&header, &standard::user_type(), "userName").unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains("is the same attribute"), "{problems:?}");
        let header = StringRecord::from(vec!["userName;title"]);
        let problems = Columns::new(&header, &standard::user_type(), "userName").unwrap_err();
        assert_eq!(
            problems,
            ["there are no commas in the first row; say --delimiter ';' or --delimiter tab"]
        );
    }

    #[test]
    fn what_only_the_service_writes_and_comments_are_left_out() {
        let header =
            StringRecord::from(vec!["id", "userName", "#line", "meta.created", "groups", "password"]);
        let columns = Columns::new(&header, &standard::user_type(), "userName").unwrap();
        assert_eq!(columns.imported().map(|(index, _)| index).collect::<Vec<_>>(), [1, 5]);
        assert_eq!(columns.notes.len(), 3);
    }
}
