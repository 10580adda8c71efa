//! What changes to a list with keys come to, key by key.

use std::borrow::Cow;
use std::collections::HashMap;

use scim_schema::Comparison;
use serde_json::{Map, Value};

use crate::keyed::KeyedChange;

/// What a run of changes comes to for one key.
pub(crate) struct Net<'a> {
    pub(crate) key: &'a str,
    /// Whether an element that was there before goes.
    pub(crate) removed: bool,
    /// The element that is there afterwards if the old one went, or if there was none.
    pub(crate) added: Option<&'a Map<String, Value>>,
}

/// What a run of changes comes to, in the order in which keys first occur.
pub(crate) struct Nets<'a> {
    pub(crate) all: Vec<Net<'a>>,
    rule: Comparison,
    /// Where in it each folded key is.
    places: HashMap<Cow<'a, str>, usize>,
    sieve: Sieve,
}

impl<'a> Nets<'a> {
    pub(crate) fn of(changes: &'a [KeyedChange], rule: Comparison) -> Self {
        let mut all: Vec<Net<'a>> = Vec::with_capacity(changes.len());
        let mut places = HashMap::with_capacity(changes.len());
        let mut sieve = Sieve::new(changes.len());
        for (key, added) in changes.iter().map(KeyedChange::parts) {
            let folded = rule.fold(key);
            sieve.add(&folded);
            let place = *places.entry(folded).or_insert(all.len());
            if place == all.len() {
                all.push(Net { key, removed: false, added: None });
            }
            if let Some(net) = all.get_mut(place) {
                match added {
                    Some(element) => {
                        net.added.get_or_insert(element);
                    }
                    None => (net.removed, net.added) = (true, None),
                }
            }
        }
        Self { all, rule, places, sieve }
    }

    /// Where the net effect for a key is.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        // Only ASCII letters fold to themselves but for one bit.
        if (self.rule == Comparison::Exact || key.is_ascii()) && !self.sieve.may_hold(key) {
            return None;
        }
        self.places.get(&self.rule.fold(key)).copied()
    }
}

/// Tells of most keys that they are not in a set, much faster than hashing could: the elements of a
/// long list are many, those that change are few. Keys that are made to pass it gain nothing but a
/// look into the hash table.
struct Sieve {
    bits: Vec<u64>,
}

impl Sieve {
    fn new(keys: usize) -> Self {
        let words = keys.next_power_of_two().clamp(16, 1 << 14);
        Self { bits: vec![0; words] }
    }

    fn add(&mut self, key: &str) {
        let (word, bit) = self.place(key);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_hold(&self, key: &str) -> bool {
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// A bit by the length and by both ends of the key, where keys differ most.
    fn place(&self, key: &str) -> (usize, u64) {
        const LOWER: u64 = 0x2020_2020_2020_2020;
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let bytes = key.as_bytes();
        let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                let (first, last) = (u64::from_le_bytes(*first) | LOWER, u64::from_le_bytes(*last) | LOWER);
                first.rotate_left(23) ^ last
            }
            _ => bytes.iter().fold(0, |ends, byte| ends << 8 | u64::from(byte | 0x20)),
        };
        let mark = (ends ^ bytes.len() as u64).wrapping_mul(SPREAD) >> 32;
        // The number of words is a power of two.
        let word = (mark >> 6) as usize & (self.bits.len() - 1);
        (word, 1 << (mark & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sieve_lets_pass_what_is_in_the_table() {
        let keys = [
            "",
            "a",
            "A",
            "Straße",
            "STRASSE",
            "K",
            "k",
            "\u{212a}",
            "σίσυφος",
            "01234567",
            "0123456789ABCDEF",
        ];
        for rule in [Comparison::Exact, Comparison::Folded] {
            for given in keys {
                let changes = [KeyedChange::Remove(given.into()), KeyedChange::Remove("x".into())];
                let nets = Nets::of(&changes, rule);
                for key in keys {
                    let same = rule.fold(key) == rule.fold(given);
                    assert_eq!(nets.place(key), same.then_some(0), "{given} {key}");
                }
            }
        }
    }
}
