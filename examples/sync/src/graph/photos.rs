//! Profile photos.

use futures_util::StreamExt;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use scim_sync::{DirectoryError, Photo, PhotoDirectory, async_trait};
use serde::Deserialize;

use super::client::escape;
use super::{CONCURRENCY, Graph};

/// What Graph says of a photo.
#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "@odata.mediaEtag")]
    etag: String,
}

impl Graph {
    async fn etag(&self, person: &str) -> Result<Option<String>, DirectoryError> {
        let path = format!("/users/{}/photo", escape(person));
        Ok(self.client.get::<Metadata>(&path).await?.map(|metadata| metadata.etag))
    }
}

#[async_trait]
impl PhotoDirectory for Graph {
    async fn photo_etags(
        &mut self,
        people: &[String],
    ) -> Result<Vec<Result<Option<String>, DirectoryError>>, DirectoryError> {
        let reads: Vec<_> = people.iter().map(|person| self.etag(person)).collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENCY).collect().await;
        // If nothing at all is answered, the next people would not be either.
        if read.len() > 1 && read.iter().all(Result::is_err) {
            return Err(read.into_iter().find_map(Result::err).unwrap_or(DirectoryError::PositionExpired));
        }
        Ok(read)
    }

    async fn photo(&mut self, person: &str) -> Result<Option<Photo>, DirectoryError> {
        // The ETag is read first: if the photo changes meanwhile, the next run reads it again.
        let Some(etag) = self.etag(person).await? else { return Ok(None) };
        let image = self.client.answer(&format!("/users/{}/photo/$value", escape(person))).await?;
        Ok(image.map(|image| {
            let media_type = image.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let media_type = media_type.unwrap_or_default().to_owned();
            Photo { etag, media_type, bytes: image.into_body() }
        }))
    }
}
