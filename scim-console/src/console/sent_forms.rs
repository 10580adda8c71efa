//! Forms that must not be sent twice, since each creates a credential.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many forms are remembered.
const MAX_FORMS: usize = 1_000;

/// The ids of the forms that were sent. A page that was made by a form can be reloaded, and then sends it again.
#[derive(Debug, Default)]
pub(super) struct SentForms(Mutex<VecDeque<String>>);

impl SentForms {
    /// An id for a new form.
    pub(super) fn new_id() -> String {
        scim_core::new_id()
    }

    /// Whether a form with this id was not sent before. A form without an id is always new.
    pub(super) fn is_new(&self, id: &str) -> bool {
        if id.is_empty() {
            return true;
        }
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.iter().any(|known| known == id) {
            return false;
        }
        if sent.len() == MAX_FORMS {
            sent.pop_front();
        }
        sent.push_back(id.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_new_once() {
        let forms = SentForms::default();
        assert_eq!(["a", "a", "b", "", ""].map(|id| forms.is_new(id)), [true, false, true, true, true]);
        (0..MAX_FORMS).for_each(|id| assert!(forms.is_new(&id.to_string())));
        assert!(forms.is_new("a"), "the oldest is forgotten");
    }
}
