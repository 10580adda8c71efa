//! A line of the log as JSON. It takes a fraction of the time of the general formatter, which is built for spans with fields.

use std::cell::RefCell;
use std::fmt::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as an object with its time, its level and its fields. With `RUST_LOG=debug`, the id of the request is that of
/// the span around it.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(512);
        line.push_str("{\"timestamp\":\"");
        push_time(&mut line, Utc::now());
        line.push_str("\",\"level\":\"");
        line.push_str(event.metadata().level().as_str());
        line.push('"');
        event.record(&mut Fields(&mut line));
        if let Some(span) = context.lookup_current()
            && let Some(fields) = span.extensions().get::<tracing_subscriber::fmt::FormattedFields<N>>()
            && !fields.is_empty()
        {
            line.push_str(",\"span\":");
            push_text(&mut line, fields);
        }
        line.push_str("}\n");
        writer.write_str(&line)
    }
}

/// Adds fields to a line.
struct Fields<'l>(&'l mut String);

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push_str(",\"");
        // Names of fields are identifiers.
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        push_text(self.0, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        // Writing to a String never fails.
        let _ = write!(self.0, "{value}");
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        let _ = if value.is_finite() { write!(self.0, "{value}") } else { write!(self.0, "null") };
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        push_text(self.0, &format!("{value:?}"));
    }
}

thread_local! {
    /// The millisecond of the line before, and its text: many lines have the same one.
    static LAST_TIME: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes a time with milliseconds (RFC 3339).
fn push_time(line: &mut String, time: DateTime<Utc>) {
    LAST_TIME.with_borrow_mut(|(millisecond, text)| {
        if *millisecond != time.timestamp_millis() {
            *millisecond = time.timestamp_millis();
            *text = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        }
        line.push_str(text);
    });
}

/// Adds a text in quotes.
fn push_text(line: &mut String, text: &str) {
    line.push('"');
    // Most texts need no escape.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        line.push_str(text);
        line.push('"');
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | '\\') || c.is_control()) {
        let (plain, special) = rest.split_at(at);
        line.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some(c @ ('"' | '\\')) => line.extend(['\\', c]),
            Some('\n') => line.push_str("\\n"),
            Some(c) => _ = write!(line, "\\u{:04x}", u32::from(c)),
            None => {}
        }
        rest = chars.as_str();
    }
    line.push_str(rest);
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("Søren", r#""Søren""#),
            ("a\"b\\c\nd\u{7}\u{85}", r#""a\"b\\c\nd\u0007\u0085""#),
            ("\"", r#""\"""#),
        ] {
            let mut line = String::new();
            push_text(&mut line, text);
            assert_eq!(line, expected);
        }
    }
}
