//! A Microsoft Graph, an SMTP server, and the program in a directory of its own.

mod fake_graph;
mod program;
mod smtp_sink;

pub(crate) use fake_graph::FakeGraph;
pub(crate) use program::{Program, create_group, mode, output, state};
pub(crate) use smtp_sink::{SinkFault, SmtpSink};

use serde_json::{Value, json};

/// A person as Graph has them.
pub(crate) fn person(number: usize) -> Value {
    json!({
        "userPrincipalName": format!("Person{number}@contoso.example"),
        "givenName": format!("Given{number}"),
        "surname": format!("Family{number}"),
        "mail": format!("person{number}@contoso.example"),
        "businessPhones": [format!("08-{number:06}")],
        "jobTitle": null,
        "accountEnabled": true,
    })
}
