//! What was seen of a running program, from files that other tools write.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail};
use onequery_core::Sources;
use onequery_rules::{Evidence, route};
use serde_json::Value;

/// Reads files of evidence together.
///
/// # Errors
///
/// A file that is not there, or that is none of the known forms.
pub(crate) fn read(paths: &[impl AsRef<Path>], sources: &Sources) -> anyhow::Result<Evidence> {
    let mut evidence = Evidence::default();
    for path in paths {
        let path = path.as_ref();
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(shown)?;
        match text.trim_start().chars().next() {
            // The exporter of OpenTelemetry's collector writes one document a line.
            Some('{' | '[') => {
                for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
                    add(&document.with_context(shown)?, sources, &mut evidence).with_context(shown)?;
                }
            }
            Some(_) if is_folded(&text) => add_profile(&text, sources, &mut evidence),
            Some(_) => add_statements(&text, &mut evidence).with_context(shown)?,
            None => bail!("{}: the file is empty; {FORMS}", shown()),
        }
    }
    Ok(evidence)
}

/// What a file of evidence may be.
const FORMS: &str = "evidence is traces as OpenTelemetry exports them in JSON, a report of `coverage json`, a CSV file of \
                     `pg_stat_statements` with the columns `query` and `calls`, or a profile in folded stacks";

fn add(document: &Value, sources: &Sources, evidence: &mut Evidence) -> anyhow::Result<()> {
    if let Some(spans) = document.get("resourceSpans").and_then(Value::as_array) {
        add_traces(spans, sources, evidence);
        Ok(())
    } else if let Some(files) = document.get("files").and_then(Value::as_object) {
        add_coverage(files, sources, evidence)
    } else {
        bail!("{FORMS}")
    }
}

/// Whether every line is a stack with a number of samples, as `stackcollapse-perf` and py-spy's `--format raw` write it:
/// <https://github.com/brendangregg/FlameGraph#2-fold-stacks>.
fn is_folded(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.all(|line| folded(line).is_some())
}

fn folded(line: &str) -> Option<(&str, u64)> {
    let (stack, samples) = line.trim().rsplit_once(' ')?;
    Some((stack, samples.parse().ok()?))
}

fn add_profile(text: &str, sources: &Sources, evidence: &mut Evidence) {
    for (stack, samples) in text.lines().filter_map(folded) {
        // A function that calls itself was seen once.
        let frames: BTreeSet<&str> = stack.split(';').map(str::trim).collect();
        for frame in frames {
            // py-spy writes `function (file.py:12)`, perf `crate::module::function::h0123456789abcdef`.
            let (name, place) = match frame.split_once(" (") {
                Some((name, place)) => (name, Some(place.trim_end_matches(')'))),
                None => (frame, None),
            };
            let file = place.map(|place| place.rsplit_once(':').map_or(place, |(file, _)| file));
            match file.map(|file| project_path(file, sources)) {
                Some(Some(file)) => add_call(file, None, name, samples, evidence),
                Some(None) => {}
                None => {
                    let seen = evidence.frames.entry(plain(name)).or_default();
                    *seen = seen.saturating_add(samples);
                }
            }
        }
    }
}

/// The name of a frame without what compilers add: closures, the hash, the trait of `<Shop as Service>::list`.
fn plain(frame: &str) -> String {
    let parts = frame.split("::").filter(|part| {
        let is_hash = part.len() == 17
            && part.starts_with('h')
            && part[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
        !is_hash && !part.starts_with('{')
    });
    let joined = parts.collect::<Vec<_>>().join("::");
    match joined.strip_prefix('<').and_then(|rest| rest.split_once(">::")) {
        Some((of, method)) => format!("{}::{method}", of.split(" as ").next().unwrap_or(of)),
        None => joined,
    }
}

/// What `\copy (SELECT query, calls FROM pg_stat_statements) TO 'calls.csv' CSV HEADER` writes:
/// <https://www.postgresql.org/docs/current/pgstatstatements.html>.
fn add_statements(text: &str, evidence: &mut Evidence) -> anyhow::Result<()> {
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let headers = table.headers().context(FORMS)?;
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(query), Some(calls)) = (column("query"), column("calls")) else {
        bail!("{FORMS}");
    };
    for record in table.records() {
        let record = record.context(FORMS)?;
        let line = record.position().map_or(0, csv::Position::line);
        let told = record.get(calls).unwrap_or_default();
        let n_calls = told
            .parse()
            .with_context(|| format!("line {line}: `{told}` in the column `calls` is no number"))?;
        let query = record.get(query).unwrap_or_default();
        evidence.statements.push((query.to_owned(), n_calls));
    }
    Ok(())
}

/// `ExportTraceServiceRequest` of OTLP in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>. What
/// the attributes mean: <https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/>, with their older names.
fn add_traces(resources: &[Value], sources: &Sources, evidence: &mut Evidence) {
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let scopes = resources.iter().flat_map(|resource| list(resource, "scopeSpans"));
    for span in scopes.flat_map(|scope| list(&scope, "spans")) {
        let attributes = list(&span, "attributes");
        let text = |names: &[&str]| {
            let attribute = attributes
                .iter()
                .find(|attribute| attribute["key"].as_str().is_some_and(|key| names.contains(&key)));
            attribute.and_then(|attribute| attribute["value"]["stringValue"].as_str())
        };
        for name in [text(&["http.route"]), text(&["celery.task_name"])]
            .into_iter()
            .flatten()
        {
            *evidence.entries.entry(route(name).to_owned()).or_default() += 1;
        }
        let function = text(&["code.function.name", "code.function"]);
        let file = text(&["code.file.path", "code.filepath"]).and_then(|path| project_path(path, sources));
        if let (Some(function), Some(file)) = (function, file) {
            add_call(file, text(&["code.namespace"]), function, 1, evidence);
        }
    }
}

/// Calls of a function of a file. Its name with the classes that hold it is what follows the modules that its file says.
fn add_call(file: &str, namespace: Option<&str>, function: &str, calls: u64, evidence: &mut Evidence) {
    let told: Vec<&str> = namespace
        .into_iter()
        .flat_map(|namespace| namespace.split(['.', ':']))
        .chain(function.split(['.', ':']))
        .filter(|part| !part.is_empty())
        .collect();
    let modules: Vec<&str> = file.split(['/', '.']).collect();
    let own = told.iter().position(|part| !modules.contains(part)).unwrap_or(0);
    let name = told[own..].join(".");
    let known = if told.len() > 1 {
        &mut evidence.functions
    } else {
        &mut evidence.names
    };
    let seen = known.entry((file.to_owned(), name)).or_default();
    *seen = seen.saturating_add(calls);
}

/// What `coverage json` of coverage.py writes: <https://coverage.readthedocs.io/en/latest/commands/cmd_json.html>.
fn add_coverage(
    files: &serde_json::Map<String, Value>,
    sources: &Sources,
    evidence: &mut Evidence,
) -> anyhow::Result<()> {
    for (path, report) in files {
        let Some(own) = project_path(path, sources) else {
            continue;
        };
        for (key, is_executed) in [("missing_lines", false), ("executed_lines", true)] {
            let lines = match report.get(key) {
                Some(lines) => lines
                    .as_array()
                    .with_context(|| format!("`{key}` of {path} is no list"))?,
                None if is_executed => bail!("{path} has no `executed_lines`; {FORMS}"),
                None => continue,
            };
            let lines = lines.iter().filter_map(|line| u32::try_from(line.as_u64()?).ok());
            let of_file = evidence.executed.entry(own.to_owned()).or_default();
            of_file.extend(lines.map(|line| (line, is_executed)));
        }
    }
    Ok(())
}

/// The file of the project that a path means which may begin elsewhere: where the program ran.
fn project_path<'s>(path: &str, sources: &'s Sources) -> Option<&'s str> {
    let path = path.replace('\\', "/");
    let fits = |own: &&str| {
        path.strip_suffix(own)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let own = sources.0.iter().map(|source| source.path.as_str());
    own.filter(fits).max_by_key(|own| own.len())
}
