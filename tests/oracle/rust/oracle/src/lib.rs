//! What programs of cases have in common: a database with rows, a count of what is sent to it, and the result.
//!
//! A program is made of a case's sources, its `scenario.rs`, and a `main` that calls [`measure`]. It is started as
//! `PROGRAM ROWS RESULT-FILE`, in an empty folder. `ORACLE_POSTGRES` is the address of a PostgreSQL server,
//! `ORACLE_REDIS` that of a Redis server which is the program's alone.

mod databases;
mod engines;
mod proxy;
mod traffic;

use std::fmt::Debug;

pub use databases::Database;

/// Fills a database, runs a scenario on it and writes what it sent and what came of it.
///
/// `sql` makes the tables and their rows. There is a table `numbers` meanwhile, whose column `i` counts from 1 to the
/// number of rows. For Redis it is one command a line; a line with `{i}` in it is sent once for each of these numbers.
/// `run` gets a connection of the kind that the case uses, and the number of rows.
///
/// # Panics
///
/// When any of that fails: the harness reports the last line of standard error.
pub fn measure<D: Database, R: Debug>(sql: &str, run: impl AsyncFnOnce(D, i64) -> R) {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().expect("PROGRAM ROWS RESULT-FILE");
    let rows: i64 = argument().parse().expect("ROWS is a number");
    let result = argument();
    let place = D::ENGINE.prepare(sql, rows);
    let before = D::ENGINE.stored(&place);
    traffic::install(D::COUNTER);
    let returned = D::block_on(async {
        let database = D::open(&place).await;
        traffic::clear();
        let returned = run(database, rows).await;
        format!("{returned:?}")
    });
    let counts = traffic::counts();
    let after = D::ENGINE.stored(&place);
    D::ENGINE.remove(&place);
    let text = serde_json::json!({
        "counts": counts,
        "outcome": {
            "returned": if returned == "()" { None } else { Some(returned) },
            "printed": "",
            "changed": before != after,
            "stored": after,
        },
    });
    std::fs::write(result, text.to_string()).expect("the result can be written");
}
