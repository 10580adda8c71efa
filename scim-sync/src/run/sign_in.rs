//! The memberships of one person, from the claims of a token.

use serde_json::Value;

use super::memberships::Member;
use super::{Run, Stop};
use crate::ledger::KnownPerson;
use crate::{Collection, Endpoint, ExternalGroups, Ledger, LedgerError, Level, Mode, Person, Plan};

impl<E: Endpoint, L: Ledger> Run<'_, E, L> {
    pub(crate) async fn sign_in(mut self, claims: &Value) -> Result<Plan, LedgerError> {
        match self.grant_by_claims(claims).await {
            Ok(()) => {}
            Err(Stop::Ledger(error)) => return Err(error),
            Err(stop) => self.problem(Level::Error, "", &stop.to_string()),
        }
        self.records.write()?;
        Ok(self.report.plan)
    }

    async fn grant_by_claims(&mut self, claims: &Value) -> Result<(), Stop> {
        // Only this person's memberships are read.
        self.report.is_full = false;
        let text = |name| claims.get(name).and_then(Value::as_str);
        let Some(id) = text("oid").or(text("sub")) else {
            self.problem(Level::Warning, "", "the claims have neither `oid` nor `sub`");
            return Ok(());
        };
        let person = Person::new(id, claims.clone());
        let groups = match ExternalGroups::from_claims(claims) {
            Ok(groups) => groups,
            Err(error) => {
                self.problem(Level::Warning, &person.label(), &error.to_string());
                return Ok(());
            }
        };
        self.load_target_groups().await?;
        let known: Option<KnownPerson> = self.records.get(Collection::People, id)?;
        let user = match &known {
            Some(known) => Some(known.user.clone()),
            None => {
                if let Some(failure) = self.search(&[&person]).await?.remove(id) {
                    return Err(failure.into());
                }
                self.has_read_all = true;
                self.find(&person, Mode::Everything)?.flatten()
            }
        };
        let user = match user {
            Some(user) => self.client.get("/Users", &user, "").await?,
            None => None,
        };
        let Some(user) = user else {
            self.problem(Level::Warning, &person.label(), "has no user, or several; nothing was changed");
            return Ok(());
        };
        let is_recorded = known.is_some();
        let known = known.unwrap_or_else(|| KnownPerson {
            user: user.id().to_owned(),
            fingerprint: None,
            version: None,
            label: person.label(),
            gone_since: None,
        });
        let member = Member {
            id: person.id.clone(),
            user: user.id().to_owned(),
            label: known.label.clone(),
            attributes: user.into_map(),
            groups,
            fingerprint: String::new(),
            known,
            is_new: false,
        };
        let (wanted, id, known) = (self.wanted(&member), member.id.clone(), member.known.clone());
        self.set_memberships(&[(member, wanted)]).await?;
        // The next run compares with the groups that the directory has then.
        if is_recorded && !self.report.plan.is_empty() {
            self.records.put(Collection::People, &id, &KnownPerson { fingerprint: None, ..known });
            self.records.put(Collection::Retry, &id, &());
        }
        Ok(())
    }
}
