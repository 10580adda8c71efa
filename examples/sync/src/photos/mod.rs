//! Profile photos, in the file of the ledger.

mod server;

pub use server::photo_server;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, params};
use scim_sync::{Photo, PhotoStore, async_trait};

use crate::SqliteLedger;

/// The largest photo in bytes.
const MAX_PHOTO: usize = 8 * 1024 * 1024;
/// The types that browsers show as images and nothing else.
const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Keeps photos in the file of the ledger.
#[derive(Debug)]
pub(crate) struct Photos {
    ledger: SqliteLedger,
    base_url: String,
}

impl Photos {
    pub(crate) fn new(ledger: &SqliteLedger, base_url: &str) -> Self {
        Self { ledger: ledger.clone(), base_url: base_url.trim_end_matches('/').to_owned() }
    }
}

#[async_trait]
impl PhotoStore for Photos {
    async fn put(&mut self, person: &str, photo: &Photo) -> Result<String, String> {
        let media_type = photo.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !MEDIA_TYPES.contains(&media_type.as_str()) {
            return Err(format!("`{media_type}` is not a type of images that is served"));
        }
        if photo.bytes.len() > MAX_PHOTO {
            return Err("it is larger than 8 MiB".to_owned());
        }
        let secret = secret()?;
        let connection = self.ledger.connection();
        // A photo that changes stays at its URL.
        let secret: rusqlite::Result<String> = connection.query_row(
            "INSERT INTO photo (person, secret, media_type, image) VALUES ($1, $2, $3, $4)
             ON CONFLICT (person) DO UPDATE SET media_type = excluded.media_type, image = excluded.image
             RETURNING secret",
            params![person, secret, media_type, photo.bytes],
            |row| row.get(0),
        );
        Ok(format!("{}/{}", self.base_url, secret.map_err(|error| error.to_string())?))
    }

    async fn remove(&mut self, person: &str) -> Result<(), String> {
        let removed = self.ledger.connection().execute("DELETE FROM photo WHERE person = $1", [person]);
        removed.map(|_| ()).map_err(|error| error.to_string())
    }
}

impl SqliteLedger {
    /// The type and the bytes of the photo with this secret in its URL.
    fn photo(&self, secret: &str) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT media_type, image FROM photo WHERE secret = $1")?;
        statement.query_row([secret], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }
}

/// 128 random bits.
fn secret() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
