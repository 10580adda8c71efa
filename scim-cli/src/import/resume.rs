//! Whether the resources that an earlier run has imported are still there.

use super::find::Finder;
use super::journal::Journal;
use super::rows::Rows;

/// The key of a row that is done, but that the endpoint does not have: the token may be that of another tenant, or the resources
/// were deleted. Looks up only the first and the last row that are done.
///
/// # Errors
///
/// If the file cannot be read, or the endpoint does not answer.
pub(super) async fn missing(
    journal: &Journal,
    finder: &Finder,
    mut rows: Rows,
) -> Result<Option<String>, String> {
    let Some((first, last)) = journal.bounds() else { return Ok(None) };
    while let Some(row) = rows.next()? {
        let Ok(row) = row else { continue };
        if row.number == first || row.number == last {
            let found = finder.find(&[(&row, true)]).await.map_err(|error| error.to_string())?;
            if !found.contains_key(&row.folded_key) {
                return Ok(Some(row.key));
            }
        }
        if row.number >= last {
            break;
        }
    }
    Ok(None)
}
