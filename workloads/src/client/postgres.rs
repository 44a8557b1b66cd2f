//! The `postgres` client: registers, sets and lists as rows of three tables; every value is kept as
//! JSON text.
//!
//! | function | statement |
//! | --- | --- |
//! | `read`, `write` of a register | SELECT; INSERT … ON CONFLICT DO UPDATE |
//! | `cas` | UPDATE … WHERE value = old; for null, INSERT … ON CONFLICT DO NOTHING |
//! | `add`, `read` of a set | INSERT … ON CONFLICT DO NOTHING; SELECT |
//! | `txn` | BEGIN, a statement for each micro-operation, COMMIT |
//!
//! All of them at the isolation level that the client is told. Which of the two a `read` means
//! follows from the model of the run. Whoever connects sees to the tables.
//!
//! **Outcomes** are decided in [`PostgresClient::ended`] and [`certainly_rolled_back`] alone:
//!
//! | what happened | read, transaction of reads | the rest |
//! | --- | --- | --- |
//! | the server is ready again, without an error | ok | ok, or refused where no row held the old value |
//! | no connection: nothing was sent | fail | fail |
//! | whatever it was, COMMIT had not been sent | fail | fail |
//! | an error that rolls the transaction back, in answer to the statement or to COMMIT | fail | fail |
//! | any other error, or loss of the connection | fail | info |
//!
//! A statement outside of a transaction is one by itself, and is committed *after* its "command
//! complete": a serialization failure may still come behind it. Only "ready for query" ends it, and
//! the library reads up to there before it returns (`query_typed`, `execute_typed`).
//!
//! Errors that roll back: severity ERROR, and a class of SQLSTATE that names a reason before the
//! commit: 0A, 21 to 23, 25, 40 (serialization failure, deadlock), 42, 53 to 55. Not among them,
//! although they look alike: 40003 (completion unknown); 57P01 and all else of FATAL (the session
//! ends, perhaps behind the commit); 57014, which a canceled wait for replicas says as a mere
//! warning of a transaction that *was* committed.
//!
//! **No request is sent twice.** tokio-postgres has neither retries nor reconnects (0.7.18 was
//! read); each client has a connection of its own, and ends it at once when it is dropped.

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_postgres::{
    Config, Error, NoTls, Row,
    config::SslMode,
    error::Severity,
    types::{ToSql, Type},
};

use super::{
    BoxFuture, Client, Connector, Endpoint, OpenError, Outcome,
    transaction::{MicroOperation, micro_operations},
    unanswered,
};
use crate::Invocation;

/// The system file's name for the port that clients use.
const PORT: &str = "client";

/// The isolation levels as a plan says them, strictest first.
pub(super) const ISOLATION: [&str; 3] = ["serializable", "repeatable-read", "read-committed"];

/// Sees to the tables. The lock is for those who connect at the same moment: IF NOT EXISTS alone
/// lets two of them create one table.
const TABLES: &str = "
    begin isolation level read committed;
    select pg_advisory_xact_lock(20261122);
    create table if not exists temblor_register (key text primary key, value text not null);
    create table if not exists temblor_set (key text, element text, primary key (key, element));
    create table if not exists temblor_list (key text primary key, elements text[] not null);
    commit";

const READ: &str = "select value from temblor_register where key = $1";
const WRITE: &str = "insert into temblor_register values ($1, $2) \
                     on conflict (key) do update set value = excluded.value";
const CAS: &str = "update temblor_register set value = $3 where key = $1 and value = $2";
const CREATE: &str = "insert into temblor_register values ($1, $2) on conflict (key) do nothing";
const READ_SET: &str = "select element from temblor_set where key = $1";
const ADD: &str = "insert into temblor_set values ($1, $2) on conflict do nothing";
const READ_LIST: &str = "select elements from temblor_list where key = $1";
const APPEND: &str = "insert into temblor_list as list values ($1, array[$2]) \
                      on conflict (key) do update set elements = list.elements || excluded.elements";

/// Opens sessions.
pub(super) struct PostgresConnector {
    /// Whether a read is one of a set; else of a register.
    pub(super) sets: bool,
    /// One of [`ISOLATION`].
    pub(super) isolation: String,
}

impl Connector for PostgresConnector {
    fn open<'a>(
        &'a self,
        _process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async move {
            let failed = |error: Error| OpenError(words(&error));
            let mut config = Config::new();
            config
                .hostaddr(endpoint.address.into())
                .port(super::port(endpoint, PORT)?)
                .user("postgres")
                .dbname("postgres")
                .ssl_mode(SslMode::Disable)
                .options(self.session());
            let (sql, connection) = config.connect(NoTls).await.map_err(failed)?;
            // What it ends with reaches whoever asks next.
            let driver = tokio::spawn(async move { drop(connection.await) });
            let client = PostgresClient { sql, driver: Driver(driver), sets: self.sets };
            client.sql.batch_execute(TABLES).await.map_err(failed)?;
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }
}

impl PostgresConnector {
    /// Without scans of whole tables, which a serializable transaction would lock whole: small as
    /// these tables are, the planner likes them.
    fn session(&self) -> String {
        let level = self.isolation.replace('-', "\\ ");
        format!("-c default_transaction_isolation={level} -c enable_seqscan=off")
    }
}

/// One session.
struct PostgresClient {
    sql: tokio_postgres::Client,
    #[expect(dead_code, reason = "it ends the connection when it is dropped")]
    driver: Driver,
    sets: bool,
}

/// What carries a connection's bytes; without it the connection is closed.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client for PostgresClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if self.sql.is_closed() {
                return Outcome::Fail("the connection was closed".into());
            }
            match operation.f {
                "txn" => self.transaction(operation).await,
                _ => self.statement(operation).await,
            }
        })
    }

    fn is_usable(&self) -> bool {
        !self.sql.is_closed()
    }
}

impl PostgresClient {
    /// An operation of one statement, which is a transaction by itself.
    async fn statement(&self, operation: &Invocation) -> Outcome {
        let Some(key) = operation.key.as_deref().map(ToString::to_string) else {
            return Outcome::Fail("the postgres client needs a key".into());
        };
        let value = &operation.value;
        let done = |rows: u64| match rows {
            0 => Outcome::Refused,
            _ => Outcome::Ok(value.clone()),
        };
        let ended = match (operation.f, value) {
            ("read", _) if self.sets => self.rows(READ_SET, &key).await.map(|rows| set(&rows)),
            ("read", _) => self.rows(READ, &key).await.map(|rows| register(&rows)),
            ("write", Value::Null) => {
                return Outcome::Fail("null stands for a key that doesn't exist".into());
            }
            ("write", value) => self.change(WRITE, &key, &[value]).await.map(done),
            ("cas", Value::Array(pair)) if pair.len() == 2 && !pair[1].is_null() => {
                match (&pair[0], &pair[1]) {
                    (Value::Null, new) => self.change(CREATE, &key, &[new]).await.map(done),
                    (old, new) => self.change(CAS, &key, &[old, new]).await.map(done),
                }
            }
            // An element that is there already is one that was added.
            ("add", value) => self.change(ADD, &key, &[value]).await.map(|_| done(1)),
            (f, _) => {
                let has = "read, write, cas, add, txn";
                return Outcome::Fail(format!("the postgres client has no `{f}`; it has {has}"));
            }
        };
        Self::ended(operation, ended)
    }

    async fn rows(&self, statement: &str, key: &str) -> Result<Vec<Row>, Error> {
        self.sql.query_typed(statement, &[(&key, Type::TEXT)]).await
    }

    /// How many rows were changed.
    async fn change(&self, statement: &str, key: &str, values: &[&Value]) -> Result<u64, Error> {
        let mut texts = vec![key.to_owned()];
        texts.extend(values.iter().map(ToString::to_string));
        let typed = |text| (text as &(dyn ToSql + Sync), Type::TEXT);
        let parameters: Vec<_> = texts.iter().map(typed).collect();
        self.sql.execute_typed(statement, &parameters).await
    }

    /// Nothing has happened before COMMIT is sent.
    async fn transaction(&self, operation: &Invocation) -> Outcome {
        let micros = match micro_operations(&operation.value) {
            Ok(micros) => micros,
            Err(error) => return Outcome::Fail(error),
        };
        let result = match self.before_commit(&operation.value, &micros).await {
            Ok(result) => result,
            Err(error) => {
                // A session that can't be rolled back is closed; so is one whose rollback fails.
                let _ = self.sql.batch_execute("rollback").await;
                return Outcome::Fail(error);
            }
        };
        let committed = self.sql.batch_execute("commit").await;
        Self::ended(operation, committed.map(|()| Outcome::Ok(result)))
    }

    /// The transaction with its reads filled in.
    async fn before_commit(
        &self,
        argument: &Value,
        micros: &[MicroOperation],
    ) -> Result<Value, String> {
        let failed = |error: Error| words(&error);
        self.sql.batch_execute("begin").await.map_err(failed)?;
        let mut filled = argument.clone();
        for (place, micro) in micros.iter().enumerate() {
            match micro {
                MicroOperation::Append { key, element } => {
                    let parameters = [(key as _, Type::TEXT), (element as _, Type::TEXT)];
                    self.sql.execute_typed(APPEND, &parameters).await.map_err(failed)?;
                }
                MicroOperation::Read { key } => {
                    let rows = self.rows(READ_LIST, key).await.map_err(failed)?;
                    filled[place][2] = list(&rows)?;
                }
            }
        }
        Ok(filled)
    }

    /// The one place where an end becomes an outcome.
    fn ended(operation: &Invocation, ended: Result<Outcome, Error>) -> Outcome {
        match ended {
            Ok(outcome) => outcome,
            Err(error) if certainly_rolled_back(&error) => Outcome::Fail(words(&error)),
            Err(error) => unanswered(operation, words(&error)),
        }
    }
}

/// Whether this error says that nothing was committed; see the list above.
fn certainly_rolled_back(error: &Error) -> bool {
    const CLASSES: [&str; 10] = ["0A", "21", "22", "23", "25", "40", "42", "53", "54", "55"];
    const COMPLETION_UNKNOWN: &str = "40003";
    error.as_db_error().is_some_and(|error| {
        let code = error.code().code();
        error.parsed_severity() == Some(Severity::Error)
            && code.get(..2).is_some_and(|class| CLASSES.contains(&class))
            && code != COMPLETION_UNKNOWN
    })
}

/// The server's own words; the library's are "db error".
fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} {}", said.code().code(), said.message()),
        None => std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    }
}

fn register(rows: &[Row]) -> Outcome {
    let value = rows.first().map_or(Ok(Value::Null), |row| json_at(row, 0));
    value.map_or_else(Outcome::Fail, Outcome::Ok)
}

fn set(rows: &[Row]) -> Outcome {
    let elements: Result<Value, String> = rows.iter().map(|row| json_at(row, 0)).collect();
    elements.map_or_else(Outcome::Fail, Outcome::Ok)
}

fn list(rows: &[Row]) -> Result<Value, String> {
    let Some(row) = rows.first() else { return Ok(Value::Array(Vec::new())) };
    let texts: Vec<String> = row.try_get(0).map_err(|error| words(&error))?;
    texts.iter().map(|text| json(text)).collect()
}

fn json_at(row: &Row, column: usize) -> Result<Value, String> {
    json(row.try_get(column).map_err(|error| words(&error))?)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("a value that is no JSON text: {error}"))
}

#[cfg(test)]
mod tests;
