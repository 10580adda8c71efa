//! Where an export is written: standard output, or a file that appears when it is complete.

use std::fs::File;
use std::io::{BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

/// Standard output, or a file.
#[derive(Debug)]
pub(super) enum Output {
    Standard(BufWriter<Stdout>),
    /// A file with another name, which it loses when it is complete.
    File {
        file: BufWriter<File>,
        temporary: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    /// Begins to write.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub(super) fn create(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::Standard(BufWriter::new(std::io::stdout()))) };
        // Of its own, so that it replaces no file and is shared with no other export.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.part", scim_core::new_id()));
        let temporary = PathBuf::from(temporary);
        let file =
            File::create_new(&temporary).map_err(|error| format!("{}: {error}", temporary.display()))?;
        Ok(Self::File { file: BufWriter::new(file), temporary, path: path.to_owned() })
    }

    /// Writes a line.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn write_line(&mut self, line: &str) -> std::io::Result<()> {
        self.write_all(line.as_bytes()).and_then(|()| self.write_all(b"\n"))
    }

    /// Writes all that is left, and gives the file its name.
    ///
    /// # Errors
    ///
    /// If it cannot be written or renamed.
    pub(super) fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Standard(mut output) => output.flush(),
            Self::File { file, temporary, path } => {
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                file.sync_all().and_then(|()| std::fs::rename(&temporary, &path))
            }
        }
    }

    /// Deletes the file, because it is not complete.
    pub(super) fn discard(self) {
        if let Self::File { file, temporary, .. } = self {
            drop(file);
            let _ = std::fs::remove_file(temporary);
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Standard(output) => output.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Standard(output) => output.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}
