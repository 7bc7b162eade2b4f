//! `onequery watch`: a report at the beginning, and one after each change that makes a difference.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::{command, project, write};

const MODELS: &str = "from django.db import models\n\n\nclass Book(models.Model):\n    pass\n";
const ONE_BY_ONE: &str =
    "from shop.models import Book\n\n\ndef books(ids):\n    return [Book.objects.get(pk=i) for i in ids]\n";
const AT_ONCE: &str =
    "from shop.models import Book\n\n\ndef books(ids):\n    return list(Book.objects.filter(pk__in=ids))\n";

/// How long a report may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Watching {
    process: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(folder: &Path) -> Self {
        let mut command = command(folder, &["watch", "--format", "concise"]);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary of this package can be run");
        let (sender, lines) = channel();
        let output = process.stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// The lines of the next report.
    fn report(&self) -> Vec<String> {
        let mut report = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("there is a report");
            let is_last = line.contains(" files.") || line.contains(" files (") || line.contains(" files;");
            report.push(line);
            if is_last {
                return report;
            }
        }
    }

    /// Ends it, and gives what it said on standard error.
    fn end(mut self) -> String {
        self.process.kill().expect("it runs");
        let mut said = String::new();
        let mut stderr = self.process.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut said).expect("it is text");
        self.process.wait().expect("it ends");
        said
    }
}

#[test]
fn changes_are_reported_as_they_come() {
    let folder = project(&[
        ("pyproject.toml", ""),
        ("shop/models.py", MODELS),
        ("shop/views.py", AT_ONCE),
    ]);
    let folder = folder.path();
    let watching = Watching::start(folder);
    assert!(watching.report()[0].starts_with("No findings in 2 files"));
    write(folder, "shop/views.py", ONE_BY_ONE);
    let report = watching.report();
    assert!(
        report[0].starts_with("shop/views.py:5:13: query-in-loop"),
        "{report:?}"
    );
    // A file that was not there, and one that is gone.
    write(folder, "shop/jobs.py", ONE_BY_ONE);
    assert!(watching.report()[0].starts_with("shop/jobs.py:5:13"));
    std::fs::remove_file(folder.join("shop/jobs.py")).expect("it is there");
    assert!(watching.report()[0].starts_with("shop/views.py:5:13"));
    // A folder that is moved, by which the finding is in another file.
    std::fs::rename(folder.join("shop"), folder.join("store")).expect("it is there");
    assert!(watching.report()[0].starts_with("store/views.py:5:13"));
    std::fs::rename(folder.join("store"), folder.join("shop")).expect("it is there");
    assert!(watching.report()[0].starts_with("shop/views.py:5:13"));
    // What is not analysed, and a text that is the same, make no report; broken settings are told and mended.
    write(folder, "notes.md", "nothing");
    write(folder, "shop/views.py", ONE_BY_ONE);
    write(folder, "onequery.toml", "selct = []");
    std::thread::sleep(Duration::from_millis(500));
    write(folder, "onequery.toml", "ignore = ['query-in-loop']");
    assert!(watching.report()[0].starts_with("No findings in 2 files"));
    let said = watching.end();
    assert!(
        said.contains("watching ") && said.contains("did you mean `select`?"),
        "{said}"
    );
}
