//! Limits of a filter.

/// Limits of the size of a filter. A filter that exceeds one is refused with `invalidFilter`.
///
/// ```
/// use scim_filter::{Filter, FilterLimits};
/// use scim_schema::{ReadContext, Tolerance};
///
/// let tolerance = Tolerance::lenient();
/// let limits = FilterLimits::default().with_terms(1);
/// let text = "title pr and active eq true";
/// assert!(Filter::parse(text, &limits, &mut ReadContext::new(&tolerance)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    pub(crate) length: usize,
    nesting: usize,
    pub(crate) terms: usize,
    pub(crate) operand: usize,
}

impl FilterLimits {
    /// The largest number of levels that are parsed, even if [`nesting`](Self::nesting) allows more. They need half of
    /// the stack that a thread has by default.
    pub const MAX_NESTING: usize = 128;

    /// The bytes of the text.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The levels of `(`, `[` and `not` inside each other; `not (` is one level. Parsing, printing and evaluating use
    /// stack in proportion, so no more than [`MAX_NESTING`](Self::MAX_NESTING) levels are allowed.
    pub fn nesting(&self) -> usize {
        self.nesting
    }

    /// The comparisons and presence tests. Terms on the same level use no stack, however many they are.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// The characters of the string that `co`, `sw` and `ew` search for: the cost of a search depends on it.
    pub fn operand(&self) -> usize {
        self.operand
    }

    /// The levels of nesting that are parsed.
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

    /// The same limits with another length of the string that `co`, `sw` and `ew` search for.
    #[must_use]
    pub fn with_operand(self, characters: usize) -> Self {
        Self { operand: characters, ..self }
    }
}

impl Default for FilterLimits {
    /// 16 KiB, 64 levels, 500 terms, 1,024 characters.
    fn default() -> Self {
        Self { length: 16 * 1024, nesting: 64, terms: 500, operand: 1024 }
    }
}
