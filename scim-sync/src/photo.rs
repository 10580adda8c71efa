//! Profile photos.

use scim_core::async_trait;

use crate::DirectoryError;

/// A photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// What changes whenever the photo changes.
    pub etag: String,
    /// `image/jpeg`, for example.
    pub media_type: String,
    /// The image.
    pub bytes: Vec<u8>,
}

/// Reads photos of a directory.
#[async_trait]
pub trait PhotoDirectory: Send {
    /// The ETags of the photos of these people, in order, at most [`MAX_FOUND`](crate::MAX_FOUND): `None` for those who have no
    /// photo, and what went wrong for those whose photo cannot be read.
    ///
    /// # Errors
    ///
    /// If no photo can be read.
    async fn photo_etags(
        &mut self,
        people: &[String],
    ) -> Result<Vec<Result<Option<String>, DirectoryError>>, DirectoryError>;

    /// The photo of a person.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Failed`].
    async fn photo(&mut self, person: &str) -> Result<Option<Photo>, DirectoryError>;
}

/// Keeps photos, and knows the URLs at which they are served.
#[async_trait]
pub trait PhotoStore: Send {
    /// Keeps the photo of a person, instead of the one before, and returns its URL. Nobody else can guess the URL.
    ///
    /// # Errors
    ///
    /// What went wrong.
    async fn put(&mut self, person: &str, photo: &Photo) -> Result<String, String>;

    /// Removes the photo of a person. It is no error if there is none.
    ///
    /// # Errors
    ///
    /// What went wrong.
    async fn remove(&mut self, person: &str) -> Result<(), String>;
}
