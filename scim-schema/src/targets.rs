//! The members of one object, found by name.

use std::sync::Arc;

use crate::target::Target;

/// The attributes of a schema, or the sub-attributes of an attribute, in schema order.
pub(crate) struct Targets {
    list: Box<[Target]>,
    names: Names,
    required: Box<[Target]>,
}

impl Targets {
    pub(crate) fn new(list: Vec<Target>) -> Self {
        let required = list.iter().filter(|target| target.must_be_given());
        Self { names: Names::of(&list), required: required.cloned().collect(), list: list.into() }
    }

    pub(crate) fn as_slice(&self) -> &[Target] {
        &self.list
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Target> {
        self.list.iter()
    }

    /// Those that a client must give a value.
    pub(crate) fn required(&self) -> &[Target] {
        &self.required
    }

    /// Begins to look up the names of an object one after the other.
    pub(crate) fn lookup<'a>(&'a self) -> impl FnMut(&str) -> Option<&'a Target> {
        let mut lookup = self.names.lookup();
        move |name| self.list.get(lookup.place(name)?)
    }

    /// The one with exactly that name.
    pub(crate) fn exact(&self, name: &str) -> Option<&Target> {
        self.lookup()(name)
    }

    /// The one with that name in any case.
    pub(crate) fn find(&self, name: &str) -> Option<&Target> {
        // Stored data and most requests use the canonical case.
        let any_case = || self.list.iter().find(|target| target.name().eq_ignore_ascii_case(name));
        self.exact(name).or_else(any_case)
    }
}

/// Names, with the place of each in a list.
#[derive(Clone)]
pub(crate) struct Names {
    /// Sorted, as the members of most objects are.
    sorted: Box<[(Arc<str>, usize)]>,
    /// Which lengths they have, a bit for each.
    lengths: u64,
}

/// Whether two names are the same. Most are so short that two comparisons decide it, of the beginnings
/// and of the ends, which may overlap.
#[inline]
fn is_same(a: &str, b: &str) -> bool {
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

impl Names {
    pub(crate) fn of<'a>(targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let place = |(place, target): (usize, &Target)| (target.shared_name().clone(), place);
        let mut sorted: Vec<_> = targets.into_iter().enumerate().map(place).collect();
        sorted.sort_unstable();
        let lengths = sorted.iter().fold(0, |lengths, (name, _)| lengths | length_bit(name));
        Self { sorted: sorted.into(), lengths }
    }

    /// Whether a name may be among them; where few are, this rules most others out.
    #[inline]
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.lengths & length_bit(name) != 0
    }

    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { names: &self.sorted, next: 0 }
    }
}

/// Looks up names that probably come in sorted order: each search begins where the last one ended.
/// Every member of every resource passes through here.
pub(crate) struct Lookup<'a> {
    names: &'a [(Arc<str>, usize)],
    next: usize,
}

impl Lookup<'_> {
    /// The place of exactly that name.
    #[inline]
    pub(crate) fn place(&mut self, name: &str) -> Option<usize> {
        match self.names.get(self.next) {
            Some((candidate, place)) if is_same(candidate, name) => {
                self.next += 1;
                Some(*place)
            }
            _ => self.search(name),
        }
    }

    fn search(&mut self, name: &str) -> Option<usize> {
        let (before, after) = self.names.split_at_checked(self.next)?;
        let is_it = |(candidate, _): &(Arc<str>, usize)| is_same(candidate, name);
        let at = match after.iter().position(is_it) {
            Some(at) => before.len() + at,
            None => before.iter().position(is_it)?,
        };
        self.next = at + 1;
        self.names.get(at).map(|(_, place)| *place)
    }
}
