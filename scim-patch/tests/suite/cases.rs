//! Runs each case of `testdata/patch/` under each of its tolerance profiles.

use crate::support::File;

#[test]
fn cases_have_the_expected_results() {
    let mut ran = 0;
    let mut failures = Vec::new();
    for path in testdata::files("patch") {
        let file: File = testdata::load(&path);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(file.about.contains("RFC"), "`about` of {stem} names a section of an RFC");
        for case in &file.cases {
            let resource_type = file.resource_type(case);
            for profile in case.profiles() {
                ran += 1;
                if let Err(difference) = case.check(&resource_type, profile) {
                    failures.push(format!("{stem}: {} ({profile})\n{difference}", case.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {ran} failed\n\n{}", failures.len(), failures.join("\n"));
    assert!(ran > 500, "too few cases were run: {ran}");
}
