//! What was seen of a running program, from files that other tools write.

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
        // The exporter of OpenTelemetry's collector writes one document a line.
        for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            add(&document.with_context(shown)?, sources, &mut evidence).with_context(shown)?;
        }
    }
    Ok(evidence)
}

fn add(document: &Value, sources: &Sources, evidence: &mut Evidence) -> anyhow::Result<()> {
    if let Some(spans) = document.get("resourceSpans") {
        add_traces(spans, sources, evidence);
    } else if let Some(files) = document.get("files").and_then(Value::as_object) {
        add_coverage(files, sources, evidence);
    } else {
        bail!("neither traces as OpenTelemetry exports them in JSON nor a report of `coverage json`");
    }
    Ok(())
}

/// `ExportTraceServiceRequest` of OTLP in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>. What
/// the attributes mean: <https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/>, with their older names.
fn add_traces(resources: &Value, sources: &Sources, evidence: &mut Evidence) {
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let resources = resources.as_array().into_iter().flatten();
    let scopes = resources.flat_map(|resource| list(resource, "scopeSpans"));
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
            let function = function.rsplit(['.', ':']).next().unwrap_or(function);
            *evidence
                .functions
                .entry((file.to_owned(), function.to_owned()))
                .or_default() += 1;
        }
    }
}

/// What `coverage json` of coverage.py writes: <https://coverage.readthedocs.io/en/latest/commands/cmd_json.html>.
fn add_coverage(files: &serde_json::Map<String, Value>, sources: &Sources, evidence: &mut Evidence) {
    for (path, report) in files {
        let Some(path) = project_path(path, sources) else {
            continue;
        };
        let lines = report["executed_lines"].as_array().into_iter().flatten();
        let lines = lines.filter_map(|line| u32::try_from(line.as_u64()?).ok());
        evidence
            .executed
            .entry(path.to_owned())
            .or_default()
            .extend(lines);
    }
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
