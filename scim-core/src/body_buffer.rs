//! Collects the body of a request up to a limit.

/// How many bytes a host reads and discards beyond the limit before it stops reading.
const MAX_DISCARDED: usize = 64 * 1024 * 1024;

/// Collects the body of a request, for a host that does not use the feature `tower`.
///
/// It keeps one byte more than the service accepts, so that [`handle`](crate::ScimService::handle) answers a larger body
/// with 413. Most clients read the response only after they have sent the whole body. So the host should go on reading
/// beyond the limit, until the buffer [is overfull](Self::is_overfull); the buffer discards what it gets.
///
/// ```
/// use scim_core::BodyBuffer;
///
/// let mut buffer = BodyBuffer::new(4);
/// for data in ["abc", "def", "ghi"] {
///     buffer.push(data.as_bytes());
/// }
/// assert!(!buffer.is_overfull());
/// assert_eq!(buffer.into_bytes(), b"abcde");
/// ```
#[derive(Debug)]
pub struct BodyBuffer {
    bytes: Vec<u8>,
    kept: usize,
    discarded: usize,
}

impl BodyBuffer {
    /// An empty buffer for a service whose largest body has this number of bytes; see
    /// [`max_payload`](crate::ScimService::max_payload).
    #[must_use]
    pub fn new(max_payload: usize) -> Self {
        Self { bytes: Vec::new(), kept: max_payload.saturating_add(1), discarded: 0 }
    }

    /// A buffer that keeps nothing, for a request that was refused before its body was read.
    #[must_use]
    pub fn discarding() -> Self {
        Self { bytes: Vec::new(), kept: 0, discarded: 0 }
    }

    /// Adds the next bytes of the body.
    pub fn push(&mut self, data: &[u8]) {
        let free = self.kept.saturating_sub(self.bytes.len());
        let (kept, excess) = data.split_at_checked(free).unwrap_or((data, &[]));
        self.bytes.extend_from_slice(kept);
        self.discarded = self.discarded.saturating_add(excess.len());
    }

    /// Whether the client has sent so much beyond the limit (64 MiB) that the host should stop reading and answer.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.discarded > MAX_DISCARDED
    }

    /// The bytes of the body, as [`handle`](crate::ScimService::handle) takes them.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_the_limit_is_kept_whole() {
        let mut body = BodyBuffer::new(6);
        for data in ["abc", "", "def"] {
            body.push(data.as_bytes());
        }
        assert_eq!(body.into_bytes(), b"abcdef");
        let mut body = BodyBuffer::new(usize::MAX);
        body.push(b"a");
        assert_eq!(body.into_bytes(), b"a");
    }

    #[test]
    fn bytes_beyond_the_limit_are_discarded() {
        for (mut body, kept) in [(BodyBuffer::new(0), 1), (BodyBuffer::discarding(), 0)] {
            body.push(&vec![0; MAX_DISCARDED + kept]);
            assert!(!body.is_overfull());
            body.push(b"a");
            assert!(body.is_overfull());
            assert_eq!(body.into_bytes().len(), kept);
        }
    }
}
