//! What can be done with checked settings.

use chrono::{DateTime, Utc};
use scim_core::schema::ResourceType;

use crate::endpoint::{Client, no_group};
use crate::ledger::{LAST_REPORT, LAST_SUCCESS, Records};
use crate::rules::Rules;
use crate::run::Run;
use crate::{
    Collection, Directory, Endpoint, InvalidSettings, Ledger, LedgerError, PhotoDirectory, PhotoStore, Plan,
    Progress, Report, RunOptions, Settings,
};

/// Keeps the users and group memberships of a SCIM endpoint as a directory has them.
///
/// See the [crate's documentation](crate) for an example.
#[derive(Debug)]
pub struct Synchronizer(Rules);

impl Synchronizer {
    /// Checks the settings against the type of the users.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, with what to write instead.
    pub fn new(settings: Settings, user_type: &ResourceType) -> Result<Self, InvalidSettings> {
        Ok(Self(Rules::new(settings, user_type)?))
    }

    /// The names of the fields that the directory has to send: those of the mapping, the match rules, and those by which
    /// reports name people.
    pub fn fields(&self) -> Vec<&str> {
        self.0.fields()
    }

    /// Whether the directory's groups are read: for a scope, or for grants with external groups.
    pub fn needs_groups(&self) -> bool {
        self.0.needs_groups()
    }

    /// Says what a run would do now, and changes nothing.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be used. All other problems are in the plan.
    pub async fn plan(
        &self,
        directory: &mut impl Directory,
        endpoint: &impl Endpoint,
        ledger: &mut impl Ledger,
        options: RunOptions,
    ) -> Result<Plan, LedgerError> {
        let run = Run::new(&self.0, endpoint, Records::new(ledger, true), options, true);
        Ok(run.run(directory, &mut |_| {}).await?.plan)
    }

    /// Runs: reads what has changed in the directory, or everything if that is not known, and makes the users and
    /// memberships of the endpoint as they must be. Leaves notices in the ledger for [`deliver_notices`](crate::deliver_notices).
    ///
    /// It can be stopped at any time. The next run goes on, and ends in the same state.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be used. All other problems are in the report.
    pub async fn run(
        &self,
        directory: &mut impl Directory,
        endpoint: &impl Endpoint,
        ledger: &mut impl Ledger,
        options: RunOptions,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Report, LedgerError> {
        Run::new(&self.0, endpoint, Records::new(ledger, false), options, false)
            .run(directory, progress)
            .await
    }

    /// Gives a person who has just signed in the memberships that the rules want: by the groups in the claims of the token, and
    /// by the attributes of the user. Memberships that were given by hand stay as they are.
    ///
    /// The person is the one with the id in the claim `oid`, or without it, `sub`. If the ledger does not know them, the user
    /// is found by the match rules, with the claims as the fields of the person. A token whose groups were left out because
    /// they are too many changes nothing, and is a problem in the plan.
    ///
    /// Do not call it while a run uses the same ledger.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be used. All other problems are in the plan.
    pub async fn sign_in(
        &self,
        claims: &serde_json::Value,
        endpoint: &impl Endpoint,
        ledger: &mut impl Ledger,
        options: RunOptions,
    ) -> Result<Plan, LedgerError> {
        Run::new(&self.0, endpoint, Records::new(ledger, false), options, false).sign_in(claims).await
    }

    /// Copies the photos of these people, or of all who have a user, if they have changed, and writes their URLs to
    /// `photos[type eq "photo"].value` of the users. A photo that has not changed is neither read nor written. Removes the photos
    /// of people who are gone. Without `people`, the [`Mode`](crate::Mode) counts: nothing is done if it is `paused`, and users
    /// who have a photo are left alone if it is `only_new`.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be used. All other problems are in the plan.
    pub async fn photos(
        &self,
        people: Option<&[String]>,
        directory: &mut impl PhotoDirectory,
        store: &mut impl PhotoStore,
        endpoint: &impl Endpoint,
        ledger: &mut impl Ledger,
        options: RunOptions,
    ) -> Result<Plan, LedgerError> {
        Run::new(&self.0, endpoint, Records::new(ledger, false), options, false)
            .photos(people, directory, store)
            .await
    }

    /// Checks that the endpoint can be reached and that the groups of the grants exist there. Returns what is wrong.
    pub async fn check_endpoint(&self, endpoint: &impl Endpoint) -> Vec<String> {
        let client = Client::new(endpoint, 1);
        if let Err(failure) = client.check().await {
            return vec![failure.to_string()];
        }
        let mut errors = Vec::new();
        for group in self.0.grants.groups() {
            match client.group_id(group).await {
                Ok(Some(_)) => {}
                Ok(None) => errors.push(no_group(group)),
                Err(failure) => errors.push(failure.to_string()),
            }
        }
        errors
    }
}

/// What was done last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The report of the last run.
    pub last_report: Option<Report>,
    /// When the last run began that came to its end.
    pub last_success: Option<DateTime<Utc>>,
    /// How many people have a user.
    pub people: usize,
    /// How many of them are gone, and will be deleted.
    pub gone: usize,
}

impl Status {
    /// Reads it from the ledger.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be used.
    pub fn read(ledger: &mut impl Ledger) -> Result<Self, LedgerError> {
        let (mut people, mut gone) = (0, 0);
        ledger.list(Collection::People, &mut |_, _| people += 1)?;
        ledger.list(Collection::Gone, &mut |_, _| gone += 1)?;
        let mut records = Records::new(ledger, true);
        Ok(Self {
            last_report: records.get(Collection::State, LAST_REPORT)?,
            last_success: records.get(Collection::State, LAST_SUCCESS)?,
            people,
            gone,
        })
    }
}
