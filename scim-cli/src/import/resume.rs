//! Whether the resources that an earlier run has imported are still there.

use super::find::Finder;
use super::journal::Journal;
use super::rows::Rows;

/// Begins a journal anew if the endpoint does not have a row that is done: the token may be that of another tenant, or somebody
/// has deleted the resources. Looks up only the first and the last row that are done.
///
/// # Errors
///
/// If a file cannot be read or written, or the endpoint does not answer.
pub(super) async fn check(journal: &mut Journal, finder: &Finder, mut rows: Rows) -> Result<(), String> {
    let Some((first, last)) = journal.bounds() else { return Ok(()) };
    while let Some(row) = rows.next()? {
        let Ok(row) = row else { continue };
        if row.number == first || row.number == last {
            let found = finder.find(&[(&row, true)]).await.map_err(|error| error.to_string())?;
            if !found.contains_key(&row.folded_key) {
                return journal
                    .begin_anew(&format!("{} was imported before, and is not there any more", row.key));
            }
        }
        if row.number >= last {
            break;
        }
    }
    Ok(())
}
