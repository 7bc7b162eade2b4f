//! Counts what is sent to a database, by the hook of its driver.
//!
//! Statements that begin or end transactions and savepoints are none: they come and go with the database's way of
//! transactions. Those that end one with success are commits.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use log::{Metadata, Record};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};

static STATEMENTS: AtomicU64 = AtomicU64::new(0);
static COMMITS: AtomicU64 = AtomicU64::new(0);

/// Which hook counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// The instrumentation of diesel and diesel-async.
    Diesel,
    /// What sqlx tells `tracing` of each statement; sea-orm runs on it.
    Sqlx,
    /// What tokio-postgres logs of each statement; postgres runs on it.
    TokioPostgres,
    /// What [`crate::proxy`] passes on to Redis.
    Proxy,
    /// SQLite's trace of a connection, which [`super::Database::open`] registers.
    SqliteTrace,
}

pub(crate) fn install(counter: Counter) {
    match counter {
        Counter::Diesel => {
            set_default_instrumentation(|| Some(Box::new(Diesel))).expect("nothing panicked yet")
        }
        Counter::Sqlx => tracing::subscriber::set_global_default(Sqlx).expect("there is no other subscriber"),
        Counter::TokioPostgres => {
            log::set_logger(&TokioPostgres).expect("there is no other logger");
            log::set_max_level(log::LevelFilter::Debug);
        }
        Counter::Proxy | Counter::SqliteTrace => {}
    }
}

pub(crate) fn clear() {
    STATEMENTS.store(0, Ordering::SeqCst);
    COMMITS.store(0, Ordering::SeqCst);
}

pub(crate) fn counts() -> serde_json::Value {
    serde_json::json!({
        "statements": STATEMENTS.load(Ordering::SeqCst),
        "commits": COMMITS.load(Ordering::SeqCst),
    })
}

/// Takes note of a text that was sent.
pub(crate) fn sent(sql: &str) {
    let word = sql
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_end_matches(';')
        .to_ascii_uppercase();
    match word.as_str() {
        "COMMIT" | "END" => COMMITS.fetch_add(1, Ordering::SeqCst),
        "BEGIN" | "START" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => 0,
        // What a driver sends when it connects, and what SQLite reports of triggers.
        "PRAGMA" | "--" => 0,
        _ => STATEMENTS.fetch_add(1, Ordering::SeqCst),
    };
}

struct Diesel;

impl Instrumentation for Diesel {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        // Transactions are told as events of their own, and as what is sent for them.
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            sent(&query.to_string());
        }
    }
}

struct Sqlx;

impl Subscriber for Sqlx {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        if !statement.is_own_business() {
            sent(&statement.summary);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A statement, as an event of sqlx tells of it.
#[derive(Default)]
struct Statement {
    /// Its first words.
    summary: String,
    /// All of it, if there is more.
    text: String,
}

impl Statement {
    /// Whether sqlx asks on its own account: each connection of a pool once for each type that it does not know, so that how
    /// often depends on how many connections are busy.
    fn is_own_business(&self) -> bool {
        self.text.contains("pg_catalog.pg_type")
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

struct TokioPostgres;

impl log::Log for TokioPostgres {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio_postgres")
    }

    fn log(&self, record: &Record<'_>) {
        let message = record.args().to_string();
        if !self.enabled(record.metadata()) || !message.starts_with("executing ") {
            return;
        }
        // A prepared statement has a name in place of its text.
        let texts = ["executing statement batch: ", "executing simple query: "];
        let text = texts.iter().find_map(|before| message.strip_prefix(before));
        sent(text.unwrap_or("EXECUTE"));
    }

    fn flush(&self) {}
}
