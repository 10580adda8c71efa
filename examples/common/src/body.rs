//! Collects the body of a request up to a limit.

/// How many bytes the host reads and discards beyond the limit before it stops reading.
const MAX_DISCARDED: usize = 64 * 1024 * 1024;

/// Collects the body of a request up to a limit.
///
/// Beyond the limit, the host should continue to read until [`is_overfull`](Self::is_overfull): most clients read the
/// response only after they have sent the whole body. The buffer discards what exceeds the limit.
#[derive(Debug)]
pub struct BodyBuffer {
    bytes: Vec<u8>,
    limit: usize,
    discarded: usize,
}

impl BodyBuffer {
    /// An empty buffer that keeps at most this many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, discarded: 0 }
    }

    /// Adds a part of the body.
    pub fn push(&mut self, data: &[u8]) {
        let (kept, excess) = data.split_at_checked(self.limit - self.bytes.len()).unwrap_or((data, &[]));
        self.bytes.extend_from_slice(kept);
        self.discarded += excess.len();
    }

    /// Whether the client has sent so much beyond the limit that the host should stop reading.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.discarded > MAX_DISCARDED
    }

    /// The bytes of the body up to the limit.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_beyond_the_limit_are_discarded() {
        let mut body = BodyBuffer::new(5);
        for data in ["abc", "def", "", "ghi"] {
            body.push(data.as_bytes());
        }
        assert!(!body.is_overfull());
        assert_eq!(body.into_bytes(), b"abcde");
        let mut body = BodyBuffer::new(0);
        body.push(&vec![0; MAX_DISCARDED]);
        assert!(!body.is_overfull());
        body.push(b"a");
        assert!(body.is_overfull() && body.into_bytes().is_empty());
    }
}
