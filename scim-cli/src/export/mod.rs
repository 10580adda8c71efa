//! `scim export`: writes the resources of an endpoint to a file.

mod columns;
mod interrupt;
mod output;

use std::io;
use std::path::PathBuf;

use scim_client::{Client, ListQuery, Pages};
use scim_core::schema::ResourceType;
use serde_json::Value;

use crate::column::{Column, text};
use crate::endpoint::{Endpoint, Kind, canonical};
use columns::Unshown;
use interrupt::Interrupt;
use output::Output;

/// What is exported, and how.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) kind: Kind,
    /// Between the cells of CSV; `None` for JSON lines.
    pub(crate) delimiter: Option<u8>,
    /// The file; standard output if there is none.
    pub(crate) output: Option<PathBuf>,
    pub(crate) filter: Option<String>,
    pub(crate) attributes: Option<String>,
    /// The columns of CSV, by their paths; by default those of the schema.
    pub(crate) columns: Vec<String>,
    pub(crate) count: Option<usize>,
}

/// Writes resources, page after page. Returns whether it came to its end and was not interrupted.
///
/// # Errors
///
/// What is wrong, for the person at the terminal. A file is then not written.
pub(crate) async fn export(first: &Client, client: &Client, options: &Options) -> Result<bool, String> {
    let endpoint = Endpoint::open(first, options.kind).await?;
    let mut interrupt = Interrupt::listen();
    let mut writer = match options.delimiter {
        Some(delimiter) => {
            let columns =
                columns::choose(&options.columns, options.attributes.as_deref(), &endpoint.resource_type)?;
            let is_partial = !options.columns.is_empty();
            Writer::csv(
                Output::create(options.output.as_deref())?,
                delimiter,
                columns,
                endpoint.resource_type,
                is_partial,
            )?
        }
        None => Writer::Json(Output::create(options.output.as_deref())?),
    };
    let mut query = ListQuery::new(options.kind.endpoint());
    if let Some(filter) = &options.filter {
        query = query.filter(filter);
    }
    if let Some(attributes) = &options.attributes {
        query = query.attributes(attributes);
    }
    if let Some(count) = options.count {
        query = query.count(count);
    }
    let mut pages = Pages::new(client, query, &endpoint.discovery);
    let mut written: u64 = 0;
    loop {
        let page = tokio::select! {
            biased;
            () = interrupt.wait() => {
                writer.discard();
                return Ok(false);
            }
            page = pages.next() => page,
        };
        let page = match page {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) => {
                writer.discard();
                return Err(format!("after {written} {}: {error}", options.kind));
            }
        };
        for resource in page.resources {
            if let Err(error) = writer.write(resource) {
                writer.discard();
                return not_written(&error, options);
            }
            written += 1;
        }
    }
    if let Err(error) = writer.finish() {
        return not_written(&error, options);
    }
    eprintln!("{written} {} exported", options.kind);
    Ok(true)
}

/// How it ends if the output cannot be written: quietly if nobody reads any more, as after `head`.
fn not_written(error: &io::Error, options: &Options) -> Result<bool, String> {
    match &options.output {
        None if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        None => Err(error.to_string()),
        Some(path) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes resources in one form.
enum Writer {
    Csv {
        writer: Box<csv::Writer<Output>>,
        columns: Vec<Column>,
        resource_type: ResourceType,
        /// What no column shows; not counted if a person has chosen the columns.
        unshown: Option<Unshown>,
    },
    Json(Output),
}

impl Writer {
    fn csv(
        output: Output,
        delimiter: u8,
        columns: Vec<Column>,
        resource_type: ResourceType,
        is_partial: bool,
    ) -> Result<Self, String> {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(output);
        writer.write_record(columns.iter().map(Column::path)).map_err(|error| error.to_string())?;
        let unshown = (!is_partial).then(Unshown::default);
        Ok(Self::Csv { writer: Box::new(writer), columns, resource_type, unshown })
    }

    fn write(&mut self, resource: Value) -> io::Result<()> {
        match self {
            Self::Json(output) => output.write_line(&resource.to_string()),
            Self::Csv { writer, columns, resource_type, unshown } => {
                let Value::Object(resource) = resource else {
                    return Err(io::Error::other("a resource is not an object"));
                };
                let canonical = canonical(&resource, resource_type);
                // What only the service writes is not in the canonical form.
                let cells = columns.iter().map(|column| {
                    let from = if column.is_read_only() { &resource } else { &canonical };
                    column.get(from).map(text).unwrap_or_default()
                });
                writer.write_record(cells).map_err(io_error)?;
                if let Some(unshown) = unshown {
                    unshown.count(&canonical, columns, resource_type);
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(output) => output.finish(),
            Self::Csv { writer, unshown, .. } => {
                let output = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
                output.finish()?;
                unshown.iter().flat_map(Unshown::lines).for_each(|line| eprintln!("{line}"));
                Ok(())
            }
        }
    }

    fn discard(self) {
        match self {
            Self::Json(output) => output.discard(),
            Self::Csv { writer, .. } => {
                if let Ok(output) = writer.into_inner() {
                    output.discard();
                }
            }
        }
    }
}

/// The error of the file below the CSV.
fn io_error(error: csv::Error) -> io::Error {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other(text),
    }
}
