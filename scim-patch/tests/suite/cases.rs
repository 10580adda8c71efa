//! The cases of `testdata/patch/`: each under each of its profiles.

use crate::support::File;

#[test]
fn cases_come_out_as_they_say() {
    let mut ran = 0;
    let mut failures = Vec::new();
    for path in testdata::files("patch") {
        let file: File = testdata::load(&path);
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(file.about.contains("RFC"), "{stem} says where it comes from");
        for case in &file.cases {
            let on = file.resource_type(case);
            for profile in case.profiles() {
                ran += 1;
                if let Err(wrong) = case.check(&on, profile) {
                    failures.push(format!("{stem}: {} ({profile})\n{wrong}", case.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {ran} failed\n\n{}", failures.len(), failures.join("\n"));
    assert!(ran > 500, "the cases are there");
}
