//! Reads the pages.

use std::path::{Path, PathBuf};

/// The pages about one provider each, with the beginning of the names of its transcripts.
pub(crate) const PAGES: [(&str, &str); 9] = [
    ("entra.md", "entra"),
    ("okta.md", "okta"),
    ("google-workspace.md", "google"),
    ("onelogin.md", "onelogin"),
    ("jumpcloud.md", "jumpcloud"),
    ("ping.md", "ping"),
    ("sailpoint.md", "sailpoint"),
    ("authentik.md", "authentik"),
    ("keycloak.md", "keycloak"),
];

/// The folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads a file of the repository.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a page in `docs/`.
pub(crate) fn page(name: &str) -> String {
    read(Path::new("docs").join(name))
}

/// The names of all pages in `docs/`, in order.
pub(crate) fn all_pages() -> Vec<String> {
    let entries = std::fs::read_dir(repository().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    pages.sort();
    assert!(pages.len() > PAGES.len(), "pages are missing: {pages:?}");
    pages
}

/// The lines of a page between `<!-- NAME -->` and `<!-- /NAME -->`.
pub(crate) fn section(page: &str, text: &str, name: &str) -> Vec<String> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let lines = text.lines().skip_while(|line| *line != begin).skip(1);
    let lines: Vec<String> = lines.take_while(|line| *line != end).map(str::to_owned).collect();
    assert!(
        text.contains(&begin) && text.contains(&end),
        "docs/{page} needs the lines `{begin}` and `{end}` around its table"
    );
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}
