//! A database that fails at one statement, as a driver would.

use std::any::Any;
use std::sync::{Arc, Mutex};

use scim_core::async_trait;
use scim_sql::Dialect;
use scim_store::{Database, DatabaseError, Mode, Rows, Statement, Transaction};

/// The errors of [`DatabaseError`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Failure {
    Unavailable,
    CommitUnknown,
    Conflict,
    Unique,
    NotNull,
    ForeignKey,
    InvalidValue,
    Unexpected,
}

impl Failure {
    fn error(self) -> DatabaseError {
        let source = || "the test wants this".into();
        let name = String::new;
        match self {
            Self::Unavailable => DatabaseError::Unavailable(source()),
            Self::CommitUnknown => DatabaseError::CommitUnknown(source()),
            Self::Conflict => DatabaseError::Conflict(source()),
            Self::Unique => DatabaseError::UniqueViolation { constraint: name(), source: source() },
            Self::NotNull => DatabaseError::NotNullViolation { column: name(), source: source() },
            Self::ForeignKey => DatabaseError::ForeignKeyViolation { constraint: name(), source: source() },
            Self::InvalidValue => DatabaseError::InvalidValue(source()),
            Self::Unexpected => DatabaseError::Unexpected(source()),
        }
    }
}

/// When a database fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) failure: Failure,
    /// The number of statements before the one that fails. Each BEGIN and each COMMIT counts as one.
    pub(crate) after: usize,
    /// The COMMIT is executed, but its answer is lost.
    pub(crate) commits: bool,
    /// How many times it fails; after that it works.
    pub(crate) times: usize,
}

/// A database that fails by a plan.
#[derive(Clone, Debug)]
pub(crate) struct FaultyDatabase {
    database: Arc<dyn Database>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    /// The number of statements since the plan was made, or since the last failure.
    statements: usize,
    failures: usize,
}

impl FaultyDatabase {
    pub(crate) fn new(database: Arc<dyn Database>) -> Self {
        Self { database, state: Arc::default() }
    }

    /// Fails by this plan from now on.
    pub(crate) fn fail(&self, plan: Plan) {
        *self.state.lock().unwrap() = State { plan: Some(plan), ..State::default() };
    }

    /// Works again. Returns how many times the database has failed.
    pub(crate) fn repair(&self) -> usize {
        std::mem::take(&mut *self.state.lock().unwrap()).failures
    }
}

impl State {
    /// Counts a statement. Returns the plan if the statement must fail.
    fn count(&mut self) -> Option<Plan> {
        let plan = self.plan?;
        self.statements += 1;
        if self.statements <= plan.after || self.failures >= plan.times {
            return None;
        }
        self.statements = 0;
        self.failures += 1;
        Some(plan)
    }
}

#[async_trait]
impl Database for FaultyDatabase {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    async fn begin(&self, mode: Mode) -> Result<Box<dyn Transaction>, DatabaseError> {
        let failing = self.state.lock().unwrap().count();
        match failing {
            Some(plan) => Err(plan.failure.error()),
            None => {
                let inner = self.database.begin(mode).await?;
                Ok(Box::new(FaultyTransaction { inner, state: self.state.clone() }))
            }
        }
    }
}

struct FaultyTransaction {
    inner: Box<dyn Transaction>,
    state: Arc<Mutex<State>>,
}

impl FaultyTransaction {
    /// Splits statements before the first that must fail.
    fn split(&self, mut statements: Vec<Statement>) -> (Vec<Statement>, Option<Plan>) {
        let mut state = self.state.lock().unwrap();
        for index in 0..statements.len() {
            if let Some(plan) = state.count() {
                statements.truncate(index);
                return (statements, Some(plan));
            }
        }
        (statements, None)
    }
}

#[async_trait]
impl Transaction for FaultyTransaction {
    async fn query(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let (statements, failing) = self.split(statements);
        let rows = self.inner.query(statements).await?;
        failing.map_or(Ok(rows), |plan| Err(plan.failure.error()))
    }

    async fn execute(&mut self, statements: Vec<Statement>) -> Result<Vec<u64>, DatabaseError> {
        let (statements, failing) = self.split(statements);
        let changed = self.inner.execute(statements).await?;
        failing.map_or(Ok(changed), |plan| Err(plan.failure.error()))
    }

    async fn commit(mut self: Box<Self>, statements: Vec<Statement>) -> Result<Vec<Rows>, DatabaseError> {
        let rows = self.query(statements).await?;
        let failing = self.state.lock().unwrap().count();
        match failing {
            Some(plan) if !plan.commits => Err(plan.failure.error()),
            failing => {
                self.inner.commit(Vec::new()).await?;
                failing.map_or(Ok(rows), |plan| Err(plan.failure.error()))
            }
        }
    }

    fn driver(&mut self) -> &mut dyn Any {
        self.inner.driver()
    }
}
