//! The backlog as bytes: for people, for trackers that import tables, for scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use onequery_core::{Backlog, Finding, Item, Sources, StepRole, UNOWNED};
use serde::Serialize;

use crate::position::Positions;
use crate::printable::line;
use crate::story;
use crate::summary::plural;

/// A way to write a backlog down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogFormat {
    /// A list for people.
    Markdown,
    /// A table as Jira and GitLab import it.
    Csv,
    /// One JSON object an item.
    Jsonl,
    /// A script of `gh` that files an issue an item, unless there is one.
    Gh,
}

/// Writes a backlog, or the first `limit` items of it; a list for people may be grouped by owner.
///
/// # Errors
///
/// Only those of `out`.
pub fn render_backlog(
    format: BacklogFormat,
    backlog: &Backlog,
    limit: usize,
    by_owner: bool,
    sources: &Sources,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let cx = Cx {
        by_owner,
        positions: Positions::new(sources),
        items: &backlog.items[..limit.min(backlog.items.len())],
        backlog,
    };
    match format {
        BacklogFormat::Markdown => cx.markdown(out),
        BacklogFormat::Csv => cx.csv(out),
        BacklogFormat::Jsonl => cx.jsonl(out),
        BacklogFormat::Gh => cx.gh(out),
    }
}

struct Cx<'a> {
    by_owner: bool,
    positions: Positions<'a>,
    items: &'a [Item],
    backlog: &'a Backlog,
}

#[derive(Serialize)]
struct Record<'a> {
    key: String,
    title: String,
    path: &'a str,
    line: u32,
    cost: String,
    calls: Option<u64>,
    entry: Option<RecordEntry<'a>>,
    owners: Option<Vec<&'a str>>,
    remedies: Vec<&'a str>,
    findings: Vec<RecordFinding<'a>>,
}

#[derive(Serialize)]
struct RecordEntry<'a> {
    kind: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
struct RecordFinding<'a> {
    rule: &'static str,
    path: &'a str,
    line: u32,
    message: &'a str,
    confidence: &'static str,
    entry: Option<RecordEntry<'a>>,
    fingerprint: String,
}

impl Cx<'_> {
    fn markdown(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let n_findings: usize = self.backlog.items.iter().map(|item| item.findings.len()).sum();
        writeln!(
            out,
            "# Backlog: {} with {}\n",
            plural(self.backlog.items.len(), "item"),
            plural(n_findings, "finding")
        )?;
        if let Some(progress) = &self.backlog.progress {
            writeln!(
                out,
                "Since `{}`: {} paid off, {} added.\n",
                progress.since,
                progress.paid_off.len(),
                progress.added
            )?;
            for (path, headline) in &progress.paid_off {
                writeln!(out, "- paid off: {}: {}", line(path), line(headline))?;
            }
            if !progress.paid_off.is_empty() {
                writeln!(out)?;
            }
        }
        if self.by_owner {
            let mut owners: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
            for item in self.items {
                match asked(item) {
                    Some(asked) if !asked.is_empty() => {
                        asked
                            .into_iter()
                            .for_each(|owner| owners.entry(owner).or_default().push(item));
                    }
                    _ => owners.entry(UNOWNED).or_default().push(item),
                }
            }
            for (n, (owner, items)) in owners.into_iter().enumerate() {
                if n > 0 {
                    writeln!(out)?;
                }
                let cost: u128 = items.iter().map(|item| item.cost).sum();
                writeln!(
                    out,
                    "## `{}`: {}, cost {cost}\n",
                    line(owner),
                    plural(items.len(), "item")
                )?;
                self.list(&items, out)?;
            }
        } else {
            self.list(&self.items.iter().collect::<Vec<_>>(), out)?;
        }
        let rest = self.backlog.items.len() - self.items.len();
        if rest > 0 {
            writeln!(out, "\n… and {} more", plural(rest, "item"))?;
        }
        Ok(())
    }

    /// A numbered list of items with what mends them.
    fn list(&self, items: &[&Item], out: &mut dyn io::Write) -> io::Result<()> {
        for (n, item) in (1..).zip(items) {
            writeln!(out, "{n}. **{}**", self.title(item))?;
            writeln!(out, "   - {}", self.standing(item))?;
            for remedy in remedies(item) {
                writeln!(out, "   - remedy: {}", line(remedy))?;
            }
            for finding in &item.findings {
                let place = self.positions.place(finding.primary);
                let (path, message) = (line(place.path), line(&finding.message));
                writeln!(
                    out,
                    "   - `{path}:{}` {}: {message} (`{}`)",
                    place.line, finding.rule, finding.fingerprint
                )?;
            }
        }
        Ok(())
    }

    /// Jira wants a column `Summary` and GitLab `title`, both take whichever case and ignore columns that they do not know:
    /// <https://support.atlassian.com/jira-cloud-administration/docs/prepare-a-csv-file/>,
    /// <https://docs.gitlab.com/user/project/issues/csv_import/>.
    fn csv(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut table = csv::WriterBuilder::new().from_writer(out);
        table.write_record(["Title", "Description", "Summary", "Labels", "Cost", "Key"])?;
        for item in self.items {
            let title = self.title(item);
            let body = self.body(item);
            let cost = item.cost.to_string();
            let key = item.key.to_string();
            table.write_record([&title, &body, &title, "onequery", &cost, &key])?;
        }
        table.flush()
    }

    fn jsonl(&self, out: &mut dyn io::Write) -> io::Result<()> {
        for item in self.items {
            let root = self.positions.place(item.root);
            let record = Record {
                key: item.key.to_string(),
                title: self.title(item),
                path: root.path,
                line: root.line,
                cost: item.cost.to_string(),
                calls: item.calls,
                entry: entry(first(item)),
                owners: asked(item),
                remedies: remedies(item),
                findings: item.findings.iter().map(|finding| self.record(finding)).collect(),
            };
            serde_json::to_writer(&mut *out, &record)?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn record<'a>(&'a self, finding: &'a Finding) -> RecordFinding<'a> {
        let place = self.positions.place(finding.primary);
        RecordFinding {
            rule: finding.rule,
            path: place.path,
            line: place.line,
            message: &finding.message,
            confidence: finding.confidence.id(),
            entry: entry(finding),
            fingerprint: finding.fingerprint.to_string(),
        }
    }

    /// Every issue has its item's marker in the body, by which the next run of the script finds it.
    fn gh(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(
            out,
            "#!/bin/sh\n# Files an issue for every item, unless one has its marker. Read it before you run it.\nset -eu\n\
             file() {{\n    known=$(gh issue list --state all --search \"\\\"$1\\\" in:body\" --json number --jq length)\n    \
             if [ \"$known\" = 0 ]; then\n        gh issue create --title \"$2\" --body \"$3\"\n    fi\n}}"
        )?;
        for item in self.items {
            let marker = marker(item);
            let body = format!("{}\n\n<!-- {marker} -->", self.body(item));
            writeln!(
                out,
                "file {} {} {}",
                quoted(&marker),
                quoted(&self.title(item)),
                quoted(&body)
            )?;
        }
        Ok(())
    }

    /// One line that says what is to be mended.
    fn title(&self, item: &Item) -> String {
        let root = self.positions.place(item.root);
        let first = first(item);
        let (path, message) = (line(root.path), line(&first.message));
        match item.findings.len() {
            1 => format!("{message} ({path}:{})", root.line),
            n => format!(
                "{message}, and {} with the same root ({path}:{})",
                n - 1,
                root.line
            ),
        }
    }

    /// Why the item stands where it stands.
    fn standing(&self, item: &Item) -> String {
        let first = first(item);
        let mut text = match &first.entry {
            Some(entry) => format!("{} `{}`", entry.kind.id(), line(&entry.name)),
            None => "no entry point is known".to_owned(),
        };
        let loops = first
            .steps
            .iter()
            .filter(|step| step.role == StepRole::Loop)
            .count();
        if loops > 1 {
            let _ = write!(text, ", {loops} loops in each other");
        }
        if let Some(calls) = item.calls {
            let _ = write!(text, ", seen called {calls} times");
        }
        let _ = write!(text, ", {}, cost {}", first.confidence.id(), item.cost);
        match asked(item).as_deref() {
            None => {}
            Some([]) => text.push_str("; owner: none"),
            Some([owner]) => {
                let _ = write!(text, "; owner: `{}`", line(owner));
            }
            Some(owners) => {
                let owners: Vec<String> = owners.iter().map(|owner| format!("`{}`", line(owner))).collect();
                let _ = write!(text, "; owners: {}", owners.join(", "));
            }
        }
        text
    }

    /// What an issue says: the findings with their chains.
    fn body(&self, item: &Item) -> String {
        let mut text = format!("{}\n", self.standing(item));
        for finding in &item.findings {
            let place = self.positions.place(finding.primary);
            let _ = writeln!(
                text,
                "\n{}:{}: {}: {}",
                line(place.path),
                place.line,
                finding.rule,
                line(&finding.message)
            );
            for step in story::lines(finding, &self.positions) {
                let _ = writeln!(text, "- {}", line(&step));
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

fn entry(finding: &Finding) -> Option<RecordEntry<'_>> {
    let entry = finding.entry.as_ref()?;
    Some(RecordEntry {
        kind: entry.kind.id(),
        name: &entry.name,
    })
}

/// The costliest finding of an item.
fn first(item: &Item) -> &Finding {
    &item.findings[0]
}

/// Who is asked to mend any of an item's findings, each once; `None` when nothing says who owns what.
fn asked(item: &Item) -> Option<Vec<&str>> {
    let mut asked: Vec<&str> = Vec::new();
    let mut is_told = false;
    for owners in item.findings.iter().filter_map(|finding| finding.owners.as_ref()) {
        is_told = true;
        for owner in &owners.asked {
            if !asked.contains(&owner.as_str()) {
                asked.push(owner);
            }
        }
    }
    is_told.then_some(asked)
}

/// What mends an item, each remedy once.
fn remedies(item: &Item) -> Vec<&str> {
    let mut remedies: Vec<&str> = item
        .findings
        .iter()
        .filter_map(|finding| finding.help.as_deref())
        .collect();
    remedies.sort_unstable();
    remedies.dedup();
    remedies
}

fn marker(item: &Item) -> String {
    format!("onequery:{}", item.key)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use onequery_core::{EntryKind, EntryPoint, Progress};

    use super::*;
    use crate::testing::Project;

    fn written(format: BacklogFormat, limit: usize) -> String {
        let project = Project::shop();
        let lazy = project.lazy_relation();
        let mut other = lazy.clone();
        other.message = "`book.author` isn't loaded".into();
        other.entry = Some(EntryPoint {
            kind: EntryKind::Request,
            name: "books/".into(),
            location: lazy.primary,
            calls: vec![],
        });
        let write = project.write_in_loop();
        let item = |root, cost, calls, findings: Vec<Finding>| Item {
            key: findings[0].fingerprint,
            root,
            findings,
            cost,
            calls,
        };
        let backlog = Backlog {
            items: vec![
                item(lazy.steps[0].location, 2_000, Some(12), vec![other, lazy]),
                item(write.primary, 60, None, vec![write]),
            ],
            progress: Some(Progress {
                since: "main".into(),
                paid_off: vec![("shop/old.py".into(), "`load` runs a query per element".into())],
                added: 1,
            }),
        };
        let mut out = Vec::new();
        render_backlog(format, &backlog, limit, false, &project.sources, &mut out)
            .expect("memory takes everything");
        String::from_utf8(out).expect("every format is UTF-8")
    }

    #[test]
    fn a_list_for_people() {
        insta::assert_snapshot!(written(BacklogFormat::Markdown, 1), @r#"
        # Backlog: 2 items with 3 findings

        Since `main`: 1 paid off, 1 added.

        - paid off: shop/old.py: `load` runs a query per element

        1. **`book.author` isn't loaded, and 1 with the same root (shop/views.py:2)**
           - request `books/`, seen called 12 times, proven, cost 2000
           - remedy: add `.select_related("author")` to the query at shop/views.py:2
           - `shop/views.py:5` lazy-relation-in-loop: `book.author` isn't loaded (`00000000000000ab`)
           - `shop/views.py:5` lazy-relation-in-loop: `book.author` runs one query per element of `books` (`00000000000000ab`)

        … and 1 item more
        "#);
    }

    #[test]
    fn a_table_has_one_row_an_item() {
        let text = written(BacklogFormat::Csv, 9);
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("it is a table")).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get(0), rows[0].get(2), "the title under both names");
        assert!(
            rows[0].get(1).is_some_and(|body| body.contains('\n')),
            "a body has lines"
        );
    }

    #[test]
    fn a_line_is_one_item() {
        let text = written(BacklogFormat::Jsonl, 9);
        let items: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("it is JSON"))
            .collect();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["entry"]["name"], "books/");
        assert_eq!(items[0]["findings"].as_array().map(Vec::len), Some(2));
        assert_eq!(items[1]["entry"], serde_json::Value::Null);
    }

    #[test]
    fn a_script_quotes_what_the_code_says() {
        let script = written(BacklogFormat::Gh, 9);
        assert!(script.contains(r"isn'\''t loaded"), "{script}");
        assert!(script.contains("<!-- onequery:00000000000000ab -->"), "{script}");
    }
}
