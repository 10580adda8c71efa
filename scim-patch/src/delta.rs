//! Splitting off what a patch does to one list, for stores that keep its elements as rows.

use scim_schema::Target;
use serde_json::{Map, Value};

use crate::Patch;
use crate::list::{key_of, net};
use crate::patch::{Action, Keyed, Step};

/// What happens to a list whose elements are identified by `value`.
#[derive(Clone, Debug, PartialEq)]
pub enum ListDelta<'a> {
    /// These elements are there afterwards, those not; all others stay as they are.
    ///
    /// A key may be in both: then an element that was there goes first. The keys in `remove` need
    /// not exist, and an element in `add` whose key exists, and is not in `remove`, stays as it was.
    Change {
        /// Elements to add unless their key is there.
        add: Vec<&'a Map<String, Value>>,
        /// Keys to remove first.
        remove: Vec<&'a str>,
    },
    /// Exactly these elements are there afterwards.
    Exactly(Vec<&'a Map<String, Value>>),
}

impl ListDelta<'_> {
    /// Whether it changes nothing whatever the list is.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Change { add, remove } if add.is_empty() && remove.is_empty())
    }
}

impl Patch {
    /// Splits the patch into the net delta of one list and a patch of everything else, so that a
    /// store changes just those rows and a small document that lacks the list.
    ///
    /// `attribute` names a core attribute that is multi-valued and whose elements are identified by
    /// their `value`, such as the `members` of a group. Takes time by the size of the patch,
    /// whatever the size of the list.
    ///
    /// `None` if there is no such attribute, or an operation selects elements by anything but
    /// `value`, or writes inside one: then the list must be loaded and the patch applied to it.
    pub fn split(&self, attribute: &str) -> Option<(ListDelta<'_>, Patch)> {
        let target = self.on.attribute(attribute).filter(|target| target.is_keyed())?;
        let (own, rest): (Vec<&Step>, Vec<&Step>) =
            self.steps.iter().partition(|step| self.on.attribute_of(&step.target) == Some(target));
        let delta = delta(target, &own)?;
        let rest = Patch::new(self.on.clone(), rest.into_iter().cloned().collect(), self.limits.clone());
        Some((delta, rest))
    }
}

fn delta<'a>(target: &Target, steps: &[&'a Step]) -> Option<ListDelta<'a>> {
    let sets_whole = |action: &Action| matches!(action, Action::Set(_) | Action::Unassign);
    if !steps.iter().all(|step| matches!(step.action, Action::Keyed(_)) || sets_whole(&step.action)) {
        return None;
    }
    // What came before the list was set as a whole has no effect.
    let whole = steps.iter().rposition(|step| sets_whole(&step.action));
    let later = steps.iter().skip(whole.map_or(0, |at| at + 1)).flat_map(|step| match &step.action {
        Action::Keyed(changes) => changes.as_slice(),
        _ => &[],
    });
    let Some(whole) = whole.and_then(|at| steps.get(at)) else {
        let nets = net(target, later.map(Keyed::as_change)).0;
        return Some(ListDelta::Change {
            add: nets.iter().filter_map(|net| net.added).collect(),
            remove: nets.iter().filter(|net| net.removed).map(|net| net.key).collect(),
        });
    };
    let start = match &whole.action {
        Action::Set(Value::Array(list)) => list.as_slice(),
        _ => &[],
    };
    let start = start.iter().filter_map(Value::as_object).map(|element| (key_of(element), Some(element)));
    let nets = net(target, start.chain(later.map(Keyed::as_change))).0;
    Some(ListDelta::Exactly(nets.iter().filter_map(|net| net.added).collect()))
}
