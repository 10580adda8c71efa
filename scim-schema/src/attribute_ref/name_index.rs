//! A fast index of attribute names.

use std::sync::Arc;

/// Maps names to their indexes in a list.
#[derive(Clone)]
pub(crate) struct NameIndex {
    /// Sorted by name, because the members of most objects are sorted too.
    sorted: Box<[(Arc<str>, usize)]>,
    /// A set of the lengths of the names: bit n is set if a name has n bytes.
    lengths: u64,
}

/// Whether two names are equal. Most names have 4 to 16 bytes; for these it compares the first and the last 4 or 8
/// bytes, which may overlap. With `a == b` instead, `schema/normalize-validate` takes 8 % longer and
/// `schema/serialize` 12 %.
#[inline]
fn names_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    a.len() == b.len()
        && match a.len() {
            8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
            4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
            _ => a == b,
        }
}

fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

impl NameIndex {
    pub(crate) fn new(names: impl Iterator<Item = Arc<str>>) -> Self {
        let mut sorted: Vec<_> = names.enumerate().map(|(index, name)| (name, index)).collect();
        sorted.sort_unstable();
        let lengths = sorted.iter().fold(0, |lengths, (name, _)| lengths | length_bit(name));
        Self { sorted: sorted.into(), lengths }
    }

    /// False if no name has this length. Where the index has few names, this quick check rules out most others.
    /// Without it `schema/serialize-3` takes 16 % longer.
    #[inline]
    pub(crate) fn may_contain(&self, name: &str) -> bool {
        self.lengths & length_bit(name) != 0
    }

    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { names: &self.sorted, next: 0 }
    }
}

/// Looks up names one after the other. Names in sorted order are found at once, because each search begins where
/// the previous one ended.
///
/// Every member of every resource is looked up with it. With a binary search for each name instead,
/// `schema/normalize-validate` takes nearly three times as long, and `schema/serialize` twice.
pub(crate) struct Lookup<'a> {
    names: &'a [(Arc<str>, usize)],
    next: usize,
}

impl Lookup<'_> {
    /// The index of exactly this name.
    #[inline]
    pub(crate) fn index_of(&mut self, name: &str) -> Option<usize> {
        match self.names.get(self.next) {
            Some((candidate, index)) if names_equal(candidate, name) => {
                self.next += 1;
                Some(*index)
            }
            _ => self.search(name),
        }
    }

    fn search(&mut self, name: &str) -> Option<usize> {
        let (before, after) = self.names.split_at_checked(self.next)?;
        let matches = |(candidate, _): &(Arc<str>, usize)| names_equal(candidate, name);
        let position = match after.iter().position(matches) {
            Some(position) => before.len() + position,
            None => before.iter().position(matches)?,
        };
        self.next = position + 1;
        self.names.get(position).map(|(_, index)| *index)
    }
}
