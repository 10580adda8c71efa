//! What came of a check: a table, JSON, or JUnit's XML.

use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use crate::terminal::printable;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) title: String,
    pub(crate) needed_by: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// Whether an endpoint has a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// What is different.
    Failed(String),
    /// Why it was not looked at.
    Skipped(String),
}

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) => Some(reason),
        }
    }
}

/// What came of all checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// What could not be deleted, each with the reason.
    pub(crate) left_behind: Vec<String>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    id: &'a str,
    subject: &'a str,
    title: &'a str,
    needed_by: &'a [String],
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Report {
    pub(crate) fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.verdict, Verdict::Failed(_)))
    }

    fn count(&self, name: &str) -> usize {
        self.findings.iter().filter(|finding| finding.verdict.name() == name).count()
    }

    /// A table, with the reason below each check that has not passed.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut subject = "";
        for Finding { id, subject: of, title, needed_by, verdict } in &self.findings {
            if of != subject {
                subject = of;
                push(&mut text, format_args!("\n{subject}\n"));
            }
            let mark = match verdict {
                Verdict::Passed => "ok",
                Verdict::Failed(_) => "FAILED",
                Verdict::Skipped(_) => "skipped",
            };
            push(&mut text, format_args!("  {mark:8}{id:28}{title}\n"));
            if let Some(reason) = verdict.reason() {
                push(&mut text, format_args!("          {}\n", printable(reason)));
            }
            if matches!(verdict, Verdict::Failed(_)) && !needed_by.is_empty() {
                push(&mut text, format_args!("          needed by {}\n", needed_by.join(", ")));
            }
        }
        let (passed, failed, skipped) = (self.count("passed"), self.count("failed"), self.count("skipped"));
        push(&mut text, format_args!("\n{passed} passed, {failed} failed, {skipped} skipped\n"));
        for left in &self.left_behind {
            push(&mut text, format_args!("left behind: {}\n", printable(left)));
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let finding = |finding: &Finding| {
            json!(JsonFinding {
                id: &finding.id,
                subject: &finding.subject,
                title: &finding.title,
                needed_by: &finding.needed_by,
                verdict: finding.verdict.name(),
                reason: finding.verdict.reason(),
            })
        };
        let findings: Vec<_> = self.findings.iter().map(finding).collect();
        let report = json!({
            "passed": self.count("passed"), "failed": self.count("failed"), "skipped": self.count("skipped"),
            "checks": findings, "leftBehind": self.left_behind,
        });
        format!("{report:#}\n")
    }

    pub(crate) fn junit(&self) -> String {
        let (tests, failed, skipped) = (self.findings.len(), self.count("failed"), self.count("skipped"));
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"scim check\" tests=\"{tests}\" failures=\"{failed}\" skipped=\"{skipped}\">\n"
        );
        for Finding { id, subject, title, verdict, .. } in &self.findings {
            let (subject, name) = (escape(subject), escape(&format!("{id}: {title}")));
            push(&mut text, format_args!("  <testcase classname=\"{subject}\" name=\"{name}\""));
            match verdict {
                Verdict::Passed => text.push_str("/>\n"),
                Verdict::Failed(reason) => {
                    push(&mut text, format_args!("><failure message=\"{}\"/></testcase>\n", escape(reason)));
                }
                Verdict::Skipped(reason) => {
                    push(&mut text, format_args!("><skipped message=\"{}\"/></testcase>\n", escape(reason)));
                }
            }
        }
        text.push_str("</testsuite>\n");
        text
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String never fails.
    let _ = text.write_fmt(arguments);
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in printable(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let finding = |id: &str, verdict| Finding {
            id: id.to_owned(),
            subject: "Users".to_owned(),
            title: "POST creates".to_owned(),
            needed_by: vec!["Okta".to_owned()],
            verdict,
        };
        Report {
            findings: vec![
                finding("users.a", Verdict::Passed),
                finding("users.b", Verdict::Failed("expected 201, got <500> \u{1b}[31m".to_owned())),
                finding("users.c", Verdict::Skipped("the endpoint does not announce bulk".to_owned())),
            ],
            left_behind: vec!["/Users/7: 403 Forbidden".to_owned()],
        }
    }

    #[test]
    fn the_table_names_what_failed_and_who_needs_it() {
        assert_eq!(
            report().table(),
            "\nUsers\n  ok      users.a                     POST creates\n  FAILED  users.b                     POST creates\n          \
             expected 201, got <500> \u{fffd}[31m\n          needed by Okta\n  skipped users.c                     POST creates\n          \
             the endpoint does not announce bulk\n\n1 passed, 1 failed, 1 skipped\nleft behind: /Users/7: 403 Forbidden\n"
        );
    }

    #[test]
    fn json_and_junit_have_the_same_findings() {
        let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(json["failed"], 1);
        assert_eq!(json["checks"][2]["reason"], "the endpoint does not announce bulk");
        let junit = report().junit();
        assert!(junit.contains(r#"tests="3" failures="1" skipped="1""#), "{junit}");
        assert!(junit.contains("got &lt;500&gt;") && !junit.contains('\u{1b}'), "{junit}");
    }
}
