//! What a filter may cost.

/// How long and how deep a filter may be. Whatever exceeds a limit is `invalidFilter`.
///
/// ```
/// use scim_filter::{Filter, Limits};
/// use scim_schema::{ReadContext, Tolerance};
///
/// let tolerance = Tolerance::lenient();
/// let limits = Limits::default().with_terms(1);
/// let text = "title pr and active eq true";
/// assert!(Filter::parse(text, &limits, &mut ReadContext::new(&tolerance)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) length: usize,
    nesting: usize,
    pub(crate) terms: usize,
    pub(crate) operand: usize,
}

impl Limits {
    /// The most levels of nesting that are read, whatever [`nesting`](Self::nesting) says: so many
    /// that half of the stack that a thread gets by default is enough.
    pub const MAX_NESTING: usize = 128;

    /// Bytes of the text.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Levels of `(`, `[` and `not` inside each other; `not (` is one level. Reading, printing and
    /// evaluating use stack in proportion, so at most [`MAX_NESTING`](Self::MAX_NESTING) counts.
    pub fn nesting(&self) -> usize {
        self.nesting
    }

    /// Comparisons and presence tests. Terms on the same level cost no stack, however many.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Characters of the text that `co`, `sw` and `ew` look for: what a search costs depends on it.
    pub fn operand(&self) -> usize {
        self.operand
    }

    /// The levels of nesting that are read.
    pub(crate) fn levels(&self) -> usize {
        self.nesting.min(Self::MAX_NESTING)
    }

    /// The same limits with another length.
    #[must_use]
    pub fn with_length(self, bytes: usize) -> Self {
        Self { length: bytes, ..self }
    }

    /// The same limits with another nesting.
    #[must_use]
    pub fn with_nesting(self, levels: usize) -> Self {
        Self { nesting: levels, ..self }
    }

    /// The same limits with another number of terms.
    #[must_use]
    pub fn with_terms(self, terms: usize) -> Self {
        Self { terms, ..self }
    }

    /// The same limits with another length of what `co`, `sw` and `ew` look for.
    #[must_use]
    pub fn with_operand(self, characters: usize) -> Self {
        Self { operand: characters, ..self }
    }
}

impl Default for Limits {
    /// 16 KiB, 64 levels, 500 terms, 1,024 characters.
    fn default() -> Self {
        Self { length: 16 * 1024, nesting: 64, terms: 500, operand: 1024 }
    }
}
