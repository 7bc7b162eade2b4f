//! The kinds of connections that cases use.

use diesel::Connection as _;
use diesel_async::AsyncConnection as _;
use futures::executor::block_on;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use tokio_postgres::NoTls;

use crate::engines::{self, Engine};
use crate::proxy;
use crate::traffic::{self, Counter};

/// A connection, or a pool of them, to a database of its own.
pub trait Database: Sized {
    /// The hook that counts what is sent.
    const COUNTER: Counter;
    /// What it is connected to.
    const ENGINE: Engine;

    /// Connects to the database at a place.
    fn open(place: &str) -> impl Future<Output = Self>;

    /// Runs the scenario.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.expect("a runtime can be started").block_on(future)
    }
}

impl Database for sqlx::PgPool {
    const COUNTER: Counter = Counter::Sqlx;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        Self::connect(place).await.expect("the server can be reached")
    }
}

impl Database for sqlx::PgConnection {
    const COUNTER: Counter = Counter::Sqlx;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        <Self as sqlx::Connection>::connect(place)
            .await
            .expect("the server can be reached")
    }
}

impl Database for sqlx::SqlitePool {
    const COUNTER: Counter = Counter::Sqlx;
    const ENGINE: Engine = Engine::Sqlite;

    async fn open(place: &str) -> Self {
        Self::connect(&format!("sqlite://{place}"))
            .await
            .expect("the database can be opened")
    }
}

impl Database for sea_orm::DatabaseConnection {
    const COUNTER: Counter = Counter::Sqlx;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        sea_orm::Database::connect(place)
            .await
            .expect("the server can be reached")
    }
}

impl Database for diesel::PgConnection {
    const COUNTER: Counter = Counter::Diesel;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        Self::establish(place).expect("the server can be reached")
    }
}

impl Database for diesel::SqliteConnection {
    const COUNTER: Counter = Counter::Diesel;
    const ENGINE: Engine = Engine::Sqlite;

    async fn open(place: &str) -> Self {
        Self::establish(place).expect("the database can be opened")
    }
}

impl Database for diesel_async::AsyncPgConnection {
    const COUNTER: Counter = Counter::Diesel;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        Self::establish(place).await.expect("the server can be reached")
    }
}

impl Database for diesel_async::pooled_connection::deadpool::Pool<diesel_async::AsyncPgConnection> {
    const COUNTER: Counter = Counter::Diesel;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        let manager = diesel_async::pooled_connection::AsyncDieselConnectionManager::new(place);
        Self::builder(manager)
            .build()
            .expect("the pool has no odd settings")
    }
}

impl Database for tokio_postgres::Client {
    const COUNTER: Counter = Counter::TokioPostgres;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(place, NoTls)
            .await
            .expect("the server can be reached");
        tokio::spawn(connection);
        client
    }
}

impl Database for deadpool_postgres::Pool {
    const COUNTER: Counter = Counter::TokioPostgres;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        let settings = deadpool_postgres::Config {
            url: Some(place.to_owned()),
            ..Default::default()
        };
        settings
            .create_pool(None, NoTls)
            .expect("the pool has no odd settings")
    }
}

impl Database for postgres::Client {
    const COUNTER: Counter = Counter::TokioPostgres;
    const ENGINE: Engine = Engine::Postgres;

    async fn open(place: &str) -> Self {
        engines::connect(place)
    }

    // The client has a runtime of its own.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }
}

impl Database for rusqlite::Connection {
    const COUNTER: Counter = Counter::SqliteTrace;
    const ENGINE: Engine = Engine::Sqlite;

    async fn open(place: &str) -> Self {
        let connection = Self::open(place).expect("the database can be opened");
        connection.trace_v2(
            TraceEventCodes::SQLITE_TRACE_STMT,
            Some(|event| {
                if let TraceEvent::Stmt(_, sql) = event {
                    traffic::sent(sql);
                }
            }),
        );
        connection
    }
}

impl Database for redis::Connection {
    const COUNTER: Counter = Counter::Proxy;
    const ENGINE: Engine = Engine::Redis;

    async fn open(place: &str) -> Self {
        let connection = redis_client(place).get_connection();
        connection.expect("the server can be reached")
    }
}

impl Database for redis::aio::MultiplexedConnection {
    const COUNTER: Counter = Counter::Proxy;
    const ENGINE: Engine = Engine::Redis;

    async fn open(place: &str) -> Self {
        let client = redis_client(place);
        let connection = client.get_multiplexed_async_connection().await;
        connection.expect("the server can be reached")
    }
}

impl Database for redis::aio::ConnectionManager {
    const COUNTER: Counter = Counter::Proxy;
    const ENGINE: Engine = Engine::Redis;

    async fn open(place: &str) -> Self {
        let connection = redis_client(place).get_connection_manager().await;
        connection.expect("the server can be reached")
    }
}

fn redis_client(place: &str) -> redis::Client {
    redis::Client::open(proxy::to(place)).expect("the address is one")
}
