//! Collects the body of a request.

/// How many bytes a client may send beyond the limit before the host stops reading.
const MAX_IGNORED: usize = 64 * 1024 * 1024;

/// Collects the body of a request up to a limit. The host goes on reading beyond the limit, within reason, and
/// drops what it reads: most clients look for an answer only after they have sent everything.
#[derive(Debug)]
pub struct BodyBuffer {
    kept: Vec<u8>,
    limit: usize,
    ignored: usize,
}

impl BodyBuffer {
    /// An empty buffer that keeps this many bytes at most.
    pub fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, ignored: 0 }
    }

    /// Adds a part of the body.
    pub fn push(&mut self, data: &[u8]) {
        let (kept, ignored) = data.split_at_checked(self.limit - self.kept.len()).unwrap_or((data, &[]));
        self.kept.extend_from_slice(kept);
        self.ignored += ignored.len();
    }

    /// Whether the client has sent so much beyond the limit that reading should stop.
    pub fn is_overfull(&self) -> bool {
        self.ignored > MAX_IGNORED
    }

    /// The bytes that were kept.
    pub fn into_bytes(self) -> Vec<u8> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_is_dropped() {
        let mut body = BodyBuffer::new(5);
        for data in ["abc", "def", "", "ghi"] {
            body.push(data.as_bytes());
        }
        assert!(!body.is_overfull());
        assert_eq!(body.into_bytes(), b"abcde");
        let mut body = BodyBuffer::new(0);
        body.push(&vec![0; MAX_IGNORED]);
        assert!(!body.is_overfull());
        body.push(b"a");
        assert!(body.is_overfull() && body.into_bytes().is_empty());
    }
}
