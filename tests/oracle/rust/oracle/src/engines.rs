//! Databases that scenarios run on. What is sent to them here is not counted.

use rusqlite::types::Value;
use tokio_postgres::NoTls;

/// A kind of database.
#[derive(Clone, Copy)]
pub enum Engine {
    /// A database of the server at `ORACLE_POSTGRES`. Its place is its address.
    Postgres,
    /// The server at `ORACLE_REDIS`. Its place is its address.
    Redis,
    /// A file in the folder at hand. Its place is its name.
    Sqlite,
}

impl Engine {
    /// Makes a database, fills it and gives its place.
    pub(crate) fn prepare(self, sql: &str, rows: i64) -> String {
        match self {
            Self::Postgres => {
                let name = format!("run_{}", std::process::id());
                execute_in_postgres(&server("postgres"), &[&format!("CREATE DATABASE {name}")]);
                let place = server(&name);
                let numbers =
                    format!("CREATE TABLE numbers AS SELECT generate_series(1, {rows})::bigint AS i");
                execute_in_postgres(&place, &[&numbers, sql, WITHOUT_NUMBERS]);
                place
            }
            Self::Redis => {
                let place = variable("ORACLE_REDIS");
                fill_redis(&place, sql, rows).expect("the scenario's commands run");
                place
            }
            Self::Sqlite => {
                let place = "database.sqlite3".to_owned();
                let database = rusqlite::Connection::open(&place).expect("a database can be made");
                let numbers = format!(
                    "CREATE TABLE numbers AS \
                     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n"
                );
                for text in [&numbers, sql, WITHOUT_NUMBERS] {
                    database.execute_batch(text).expect("the scenario's SQL runs");
                }
                place
            }
        }
    }

    /// Every row of a database as text, sorted.
    pub(crate) fn stored(self, place: &str) -> Vec<String> {
        let mut rows = match self {
            Self::Postgres => stored_in_postgres(place),
            Self::Redis => stored_in_redis(place).expect("keys can be read"),
            Self::Sqlite => stored_in_sqlite(place).expect("rows can be read"),
        };
        rows.sort();
        rows
    }

    /// Removes a database that would outlive the folder at hand.
    pub(crate) fn remove(self, place: &str) {
        if let (Self::Postgres, Some((_, name))) = (self, place.rsplit_once('/')) {
            execute_in_postgres(
                &server("postgres"),
                &[&format!("DROP DATABASE {name} WITH (FORCE)")],
            );
        }
    }
}

/// What a program exits with that needs a server when there is none.
const NO_SERVER: i32 = 3;

const WITHOUT_NUMBERS: &str = "DROP TABLE numbers";

/// The address of a server.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| std::process::exit(NO_SERVER))
}

/// The address of a database of the server.
fn server(database: &str) -> String {
    format!("{}/{database}", variable("ORACLE_POSTGRES"))
}

pub(crate) fn connect(place: &str) -> postgres::Client {
    postgres::Client::connect(place, NoTls).expect("the server can be reached")
}

fn execute_in_postgres(place: &str, texts: &[&str]) {
    let mut database = connect(place);
    for text in texts {
        database.batch_execute(text).expect("the scenario's SQL runs");
    }
}

fn stored_in_postgres(place: &str) -> Vec<String> {
    let mut database = connect(place);
    let tables =
        "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'";
    let mut rows = Vec::new();
    for table in database.query(tables, &[]).expect("tables can be listed") {
        let name: String = table.get(0);
        let of_table = format!("SELECT '{name} ' || t::text FROM {name} AS t");
        let texts = database.query(&of_table, &[]).expect("rows can be read");
        rows.extend(texts.iter().map(|row| row.get::<_, String>(0)));
    }
    rows
}

fn fill_redis(place: &str, commands: &str, rows: i64) -> redis::RedisResult<()> {
    let mut server = redis::Client::open(place)?.get_connection()?;
    for line in commands.lines().filter(|line| !line.trim().is_empty()) {
        for number in 1..=if line.contains("{i}") { rows } else { 1 } {
            let mut command = redis::Cmd::new();
            for word in line.split_whitespace() {
                command.arg(word.replace("{i}", &number.to_string()));
            }
            command.exec(&mut server)?;
        }
    }
    Ok(())
}

fn stored_in_redis(place: &str) -> redis::RedisResult<Vec<String>> {
    let mut server = redis::Client::open(place)?.get_connection()?;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server)?;
    let mut rows = Vec::new();
    for key in keys {
        let value: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut server)?;
        let left: i64 = redis::cmd("TTL").arg(&key).query(&mut server)?;
        rows.push(format!("{key} {value:?}, expires: {}", left >= 0));
    }
    Ok(rows)
}

fn stored_in_sqlite(place: &str) -> rusqlite::Result<Vec<String>> {
    let database = rusqlite::Connection::open(place)?;
    let of_tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut tables = database.prepare(of_tables)?;
    let mut rows = Vec::new();
    for name in tables.query_map([], |row| row.get::<_, String>(0))? {
        let name = name?;
        let mut of_table = database.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let columns = of_table.column_count();
        let texts = of_table.query_map([], |row| {
            let values: Result<Vec<Value>, _> = (0..columns).map(|ix| row.get(ix)).collect();
            values.map(|values| format!("{name} {values:?}"))
        })?;
        for text in texts {
            rows.push(text?);
        }
    }
    Ok(rows)
}
