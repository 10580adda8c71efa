//! The notices about new users.

use serde_json::{Map, Value};

use super::people::{Step, StepKind};
use super::{Run, Stop};
use crate::notice::{NoticeState, StoredNotice};
use crate::{Collection, Endpoint, Ledger, Level, Notice, NoticeKind};

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    /// Notes who will be welcomed, before the users are created: if the run is stopped after that, the next one knows that it
    /// was this program that created them.
    pub(super) fn plan_notices(&mut self, steps: &[Step]) -> Result<(), Stop> {
        let settings = &self.rules.settings.notices;
        for step in steps.iter().filter(|step| matches!(step.kind, StepKind::Create)) {
            let mut notices = Vec::new();
            if settings.welcome {
                match address(&step.user) {
                    Some(to) => notices.push((NoticeKind::Welcome, to)),
                    None => {
                        self.problem(Level::Warning, &step.label, "has no e-mail address for the welcome")
                    }
                }
            }
            notices.extend(settings.copy_to.clone().map(|to| (NoticeKind::Copy, to)));
            for (kind, to) in notices {
                let notice = Notice { kind, to, person: step.label.clone(), lines: Vec::new() };
                let stored = StoredNotice { notice, state: NoticeState::Planned };
                self.records.put(Collection::Notices, &Notice::name(kind, &step.id), &stored);
            }
        }
        Ok(())
    }

    /// Lets the notices of a person be sent, if the user was created by this program.
    pub(super) fn make_notices_ready(&mut self, id: &str) -> Result<(), Stop> {
        for kind in [NoticeKind::Welcome, NoticeKind::Copy] {
            let name = Notice::name(kind, id);
            if let Some(mut stored) = self.records.get::<StoredNotice>(Collection::Notices, &name)?
                && stored.state == NoticeState::Planned
            {
                stored.state = NoticeState::Ready;
                self.records.put(Collection::Notices, &name, &stored);
            }
        }
        Ok(())
    }

    /// Forgets the notices of a person whose user was certainly not created, or is no more.
    pub(super) fn remove_notices(&mut self, id: &str) {
        for kind in [NoticeKind::Welcome, NoticeKind::Copy] {
            self.records.remove(Collection::Notices, &Notice::name(kind, id));
        }
    }
}

/// The e-mail address of a user: the primary one, else the first.
fn address(user: &Map<String, Value>) -> Option<String> {
    let emails = user.get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    Some(primary.or(emails.first())?.get("value")?.as_str()?.to_owned())
}
