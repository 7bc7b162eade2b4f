//! `onequery server`: findings in an editor while code is written, by the Language Server Protocol 3.17 on standard input
//! and output.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gen_lsp_types as lsp;
use gen_lsp_types::Uri;
use line_index::{LineIndex, WideEncoding, WideLineCol};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use onequery_core::{FileId, Finding, Location, Severity};
use onequery_reporter::{Positions, Units};
use onequery_rules::is_about_comments;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::CLEAN;
use crate::cli::{CacheArgs, Selection};
use crate::discover::relative;
use crate::follow::Followed;
use crate::session::Session;
use crate::{read, suppress};

/// How long an editor has to be quiet before its changes are analysed.
const QUIET: Duration = Duration::from_millis(25);

/// The id of the only request that we make.
const WATCH: &str = "watch";

/// Runs the command until the editor ends it. Gives the exit code.
pub(crate) fn run(cache: &CacheArgs) -> anyhow::Result<u8> {
    let (connection, threads) = Connection::stdio();
    serve(&connection, cache)?;
    drop(connection);
    threads.join()?;
    Ok(CLEAN)
}

/// Talks to one editor.
fn serve(connection: &Connection, cache: &CacheArgs) -> anyhow::Result<()> {
    let (id, params) = connection.initialize_start()?;
    let params: lsp::InitializeParams = serde_json::from_value(params)?;
    let result = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "onequery", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, result)?;
    let root = root_of(&params).map_or_else(std::env::current_dir, Ok)?;
    let mut server = Server {
        connection,
        cache,
        root: root.canonicalize()?,
        project: None,
        open: BTreeMap::new(),
        changed: BTreeSet::new(),
        published: BTreeSet::new(),
    };
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    if watched.is_some_and(|watched| watched.dynamic_registration == Some(true)) {
        server.watch_files()?;
    }
    let mut is_dirty = true;
    loop {
        let message = if is_dirty {
            match connection.receiver.recv_timeout(QUIET) {
                Ok(message) => message,
                Err(error) if error.is_timeout() => {
                    server.refresh()?;
                    is_dirty = false;
                    continue;
                }
                Err(_) => return Ok(()),
            }
        } else {
            match connection.receiver.recv() {
                Ok(message) => message,
                Err(_) => return Ok(()),
            }
        };
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                // What is asked about has to be what is there now.
                if std::mem::take(&mut is_dirty) {
                    server.refresh()?;
                }
                server.answer(request)?;
            }
            Message::Notification(note) => is_dirty |= server.note(note),
            Message::Response(_) => {}
        }
    }
}

fn capabilities() -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        text_document_sync: Some(lsp::TextDocumentSyncKind::Full.into()),
        hover_provider: Some(true.into()),
        code_action_provider: Some(true.into()),
        ..lsp::ServerCapabilities::default()
    }
}

/// The folder that an editor has open.
fn root_of(params: &lsp::InitializeParams) -> Option<PathBuf> {
    let folders = &params.workspace_folders_initialize_params.workspace_folders;
    let first = match folders {
        Some(lsp::WorkspaceFolders::WorkspaceFolderList(folders)) => folders.first(),
        _ => None,
    };
    first?.uri.to_file_path().ok()
}

/// A project as it was last analysed.
struct Project {
    followed: Followed,
    /// The findings that are shown.
    shown: Vec<Finding>,
}

impl Project {
    fn session(&self) -> &Session {
        &self.followed.session
    }
}

struct Server<'c> {
    connection: &'c Connection,
    cache: &'c CacheArgs,
    /// The folder that is open in the editor.
    root: PathBuf,
    /// `None` before the first analysis, and when everything has to be read anew.
    project: Option<Project>,
    /// Texts of open files, by their paths.
    open: BTreeMap<PathBuf, String>,
    /// Files whose text may not be what was analysed.
    changed: BTreeSet<PathBuf>,
    /// Files for which the editor shows something.
    published: BTreeSet<Uri>,
}

impl Server<'_> {
    /// Asks to be told of files that change outside of the editor.
    fn watch_files(&self) -> anyhow::Result<()> {
        let patterns = [
            "**/*.{py,pyi,rs,html,htm,djhtml,jinja,jinja2,j2}",
            "**/*.toml",
            "**/onequery-baseline.txt",
        ];
        let watchers: Vec<Value> = patterns
            .iter()
            .map(|glob| json!({ "globPattern": glob }))
            .collect();
        let registration = json!({
            "id": WATCH,
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        let params = json!({ "registrations": [registration] });
        let request = Request::new(
            WATCH.to_owned().into(),
            "client/registerCapability".to_owned(),
            params,
        );
        self.connection.sender.send(request.into())?;
        Ok(())
    }

    /// Takes note of what the editor says. Gives whether there is something to analyse.
    fn note(&mut self, note: Notification) -> bool {
        match note.method.as_str() {
            "textDocument/didOpen" => {
                let Some(opened) = params::<lsp::DidOpenTextDocumentParams>(note) else {
                    return false;
                };
                self.takes(&opened.text_document.uri, Some(opened.text_document.text))
            }
            "textDocument/didChange" => {
                let Some(changed) = params::<lsp::DidChangeTextDocumentParams>(note) else {
                    return false;
                };
                let last = changed.content_changes.into_iter().next_back();
                let Some(lsp::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole)) =
                    last
                else {
                    return false;
                };
                let document = changed.text_document.text_document_identifier;
                self.takes(&document.uri, Some(whole.text))
            }
            "textDocument/didClose" => {
                let closed = params::<lsp::DidCloseTextDocumentParams>(note);
                closed.is_some_and(|closed| self.takes(&closed.text_document.uri, None))
            }
            "textDocument/didSave" => {
                let saved = params::<lsp::DidSaveTextDocumentParams>(note);
                saved.is_some_and(|saved| self.touches(&saved.text_document.uri))
            }
            "workspace/didChangeWatchedFiles" => {
                let Some(watched) = params::<lsp::DidChangeWatchedFilesParams>(note) else {
                    return false;
                };
                for change in &watched.changes {
                    if change.kind == lsp::FileChangeType::Changed {
                        self.touches(&change.uri);
                    } else {
                        self.project = None;
                    }
                }
                true
            }
            _ => false,
        }
    }

    /// A file was written. If it is none of those that were analysed, it may be imported by them now, or configure them.
    fn touches(&mut self, uri: &Uri) -> bool {
        let Some(path) = path_of(uri) else { return false };
        if self.file(uri).is_none() {
            self.project = None;
        }
        self.changed.insert(path);
        true
    }

    /// Takes the text of a file, or the end of it in the editor.
    fn takes(&mut self, uri: &Uri, text: Option<String>) -> bool {
        let Some(path) = path_of(uri) else { return false };
        match text {
            Some(text) => self.open.insert(path.clone(), text),
            None => self.open.remove(&path),
        };
        self.changed.insert(path);
        true
    }

    /// Analyses what has changed, and tells the editor.
    fn refresh(&mut self) -> anyhow::Result<()> {
        if self.project.is_none() {
            match read_project(&self.root, self.cache) {
                Ok(project) => self.project = project,
                Err(error) => {
                    let message =
                        lsp::ShowMessageParams::new(lsp::MessageType::Error, format!("onequery: {error:#}"));
                    return self.notify("window/showMessage", message);
                }
            }
            self.changed.extend(self.open.keys().cloned());
        }
        let Some(project) = &mut self.project else {
            return Ok(());
        };
        let open = &self.open;
        project
            .followed
            .update(std::mem::take(&mut self.changed), |path| {
                let text = open.get(path).map(|text| (text.clone(), Vec::new()));
                text.unwrap_or_else(|| read::read(path))
            });
        project.shown = project.followed.triage().shown;
        self.publish()
    }

    /// Shows the findings, and takes back those that are gone.
    fn publish(&mut self) -> anyhow::Result<()> {
        let Some(project) = &self.project else {
            return Ok(());
        };
        let places = Places::of(project.session());
        let mut by_file: BTreeMap<Uri, Vec<lsp::Diagnostic>> = BTreeMap::new();
        for finding in &project.shown {
            if let Some(uri) = places.uri(finding.primary.file) {
                by_file.entry(uri).or_default().push(places.diagnostic(finding));
            }
        }
        let now: BTreeSet<Uri> = by_file.keys().cloned().collect();
        for uri in &self.published {
            by_file.entry(uri.clone()).or_default();
        }
        for (uri, diagnostics) in by_file {
            self.notify(
                "textDocument/publishDiagnostics",
                lsp::PublishDiagnosticsParams::new(uri, None, diagnostics),
            )?;
        }
        self.published = now;
        Ok(())
    }

    fn notify(&self, method: &str, params: impl serde::Serialize) -> anyhow::Result<()> {
        let note = Notification::new(method.to_owned(), params);
        self.connection.sender.send(note.into())?;
        Ok(())
    }

    fn answer(&self, request: Request) -> anyhow::Result<()> {
        let Request { id, method, params } = request;
        let answer = match method.as_str() {
            "textDocument/hover" => serde_json::from_value(params).map(|asked| json!(self.hover(&asked))),
            "textDocument/codeAction" => {
                serde_json::from_value(params).map(|asked| json!(self.actions(&asked)))
            }
            _ => {
                let message = format!("onequery does not know {method}");
                let response = Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
                self.connection.sender.send(response.into())?;
                return Ok(());
            }
        };
        let response = match answer {
            Ok(result) => Response::new_ok(id, result),
            Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
        };
        self.connection.sender.send(response.into())?;
        Ok(())
    }

    /// The shown findings of an open file.
    fn file(&self, uri: &Uri) -> Option<(&Project, FileId)> {
        let project = self.project.as_ref()?;
        let path = relative(&project.session().root, &path_of(uri)?);
        Some((project, project.session().run.file(&path)?))
    }

    /// The chains of the findings that have a step at a place.
    fn hover(&self, asked: &lsp::HoverParams) -> Option<lsp::Hover> {
        let asked = &asked.text_document_position_params;
        let (project, file) = self.file(&asked.text_document.uri)?;
        let places = Places::of(project.session());
        let is_here = |place: &Location| {
            let range = places.range(*place);
            place.file == file && range.start <= asked.position && asked.position <= range.end
        };
        let told: Vec<String> = project
            .shown
            .iter()
            .filter(|finding| {
                is_here(&finding.primary) || finding.steps.iter().any(|step| is_here(&step.location))
            })
            .map(|finding| places.told(finding))
            .collect();
        (!told.is_empty()).then(|| {
            let content = lsp::MarkupContent::new(lsp::MarkupKind::Markdown, told.join("\n\n---\n\n"));
            lsp::Hover::new(content.into(), None)
        })
    }

    /// What mends the findings in a range, as far as it is an insertion, and comments that accept them.
    fn actions(&self, asked: &lsp::CodeActionParams) -> Vec<lsp::CodeAction> {
        let uri = &asked.text_document.uri;
        let Some((project, file)) = self.file(uri) else {
            return Vec::new();
        };
        let places = Places::of(project.session());
        let source = project.session().run.sources.get(file);
        let mut actions = Vec::new();
        for finding in project
            .shown
            .iter()
            .filter(|finding| finding.primary.file == file)
        {
            let range = places.range(finding.primary);
            if range.end < asked.range.start
                || asked.range.end < range.start
                || is_about_comments(finding.rule)
            {
                continue;
            }
            actions.extend(places.remedy(finding));
            let accepted = [(finding.primary, finding.rule)];
            let (text, n_left) = suppress::with_comments(&source.path, &source.text, &accepted, None);
            if n_left == 0 {
                let edit = difference(&source.text, &text);
                actions.push(lsp::CodeAction {
                    title: format!("Accept with a comment: ignore[{}]", finding.rule),
                    kind: Some(lsp::CodeActionKind::QuickFix),
                    diagnostics: Some(vec![places.diagnostic(finding)]),
                    edit: Some(lsp::WorkspaceEdit {
                        changes: Some([(uri.clone(), vec![edit])].into()),
                        ..lsp::WorkspaceEdit::default()
                    }),
                    ..lsp::CodeAction::default()
                });
            }
        }
        actions
    }
}

fn params<P: DeserializeOwned>(note: Notification) -> Option<P> {
    serde_json::from_value(note.params).ok()
}

/// Where a file is, as the project's root is spelt; a file that is not there yet as the editor spells it.
fn path_of(uri: &Uri) -> Option<PathBuf> {
    let path = uri.to_file_path().ok()?;
    Some(path.canonicalize().unwrap_or(path))
}

/// Analyses the project in a folder; `None` when there is no folder.
fn read_project(root: &Path, cache: &CacheArgs) -> anyhow::Result<Option<Project>> {
    let selection = Selection {
        paths: vec![root.to_owned()],
        cache: cache.clone(),
        ..Selection::default()
    };
    let followed = Followed::of(&selection)?;
    Ok(followed.map(|followed| Project {
        followed,
        shown: Vec::new(),
    }))
}

/// The one edit that makes a text another one.
fn difference(before: &str, after: &str) -> lsp::TextEdit {
    let start = common(before.chars(), after.chars());
    let (before_rest, after_rest) = (&before[start..], &after[start..]);
    let end = common(before_rest.chars().rev(), after_rest.chars().rev());
    let lines = LineIndex::new(before);
    let position = |byte: usize| {
        let offset = u32::try_from(byte).expect("files are smaller than 4 GiB").into();
        let place = lines.line_col(offset);
        let WideLineCol { line, col } = lines
            .to_wide(WideEncoding::Utf16, place)
            .expect("the offset is at a character");
        lsp::Position::new(line, col)
    };
    let range = lsp::Range::new(position(start), position(before.len() - end));
    lsp::TextEdit::new(range, after_rest[..after_rest.len() - end].to_owned())
}

/// How many bytes two texts have in common before they differ.
fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    let alike = a.zip(b).take_while(|(a, b)| a == b);
    alike.map(|(c, _)| c.len_utf8()).sum()
}

/// The places of a project in the units of the protocol.
struct Places<'s> {
    session: &'s Session,
    positions: Positions<'s>,
}

impl<'s> Places<'s> {
    fn of(session: &'s Session) -> Self {
        Self {
            session,
            positions: Positions::new(&session.run.sources),
        }
    }

    fn uri(&self, file: FileId) -> Option<Uri> {
        Uri::from_file_path(self.session.root.join(&self.session.run.sources.get(file).path)).ok()
    }

    fn range(&self, place: Location) -> lsp::Range {
        let place = self.positions.place_in(Units::Utf16, place);
        lsp::Range::new(
            lsp::Position::new(place.line - 1, place.column - 1),
            lsp::Position::new(place.end_line - 1, place.end_column - 1),
        )
    }

    fn diagnostic(&self, finding: &Finding) -> lsp::Diagnostic {
        let help = finding
            .help
            .as_ref()
            .map_or_else(String::new, |help| format!("\nhelp: {help}"));
        let related = finding.steps.iter().filter_map(|step| {
            let location = lsp::Location::new(self.uri(step.location.file)?, self.range(step.location));
            Some(lsp::DiagnosticRelatedInformation::new(
                location,
                step.message.clone(),
            ))
        });
        lsp::Diagnostic {
            range: self.range(finding.primary),
            severity: Some(match finding.severity {
                Severity::Note => lsp::DiagnosticSeverity::Information,
                Severity::Warning => lsp::DiagnosticSeverity::Warning,
                Severity::Error => lsp::DiagnosticSeverity::Error,
            }),
            code: Some(finding.rule.to_owned().into()),
            code_description: None,
            source: Some("onequery".to_owned()),
            message: format!("{}{help}", finding.message).into(),
            tags: None,
            related_information: Some(related.collect()),
            data: Some(json!(finding.fingerprint.to_string())),
        }
    }

    /// What inserts the remedy of a finding, where it is an insertion.
    fn remedy(&self, finding: &Finding) -> Option<lsp::CodeAction> {
        let fix = finding.fix.as_ref()?;
        let place = self.positions.place(fix.at);
        let edit = lsp::TextEdit::new(self.range(fix.at), fix.text.clone());
        Some(lsp::CodeAction {
            title: format!("Add {} at {}:{}", fix.text, place.path, place.line),
            kind: Some(lsp::CodeActionKind::QuickFix),
            diagnostics: Some(vec![self.diagnostic(finding)]),
            edit: Some(lsp::WorkspaceEdit {
                changes: Some([(self.uri(fix.at.file)?, vec![edit])].into()),
                ..lsp::WorkspaceEdit::default()
            }),
            is_preferred: Some(true),
            ..lsp::CodeAction::default()
        })
    }

    /// A finding with its chain, as Markdown.
    fn told(&self, finding: &Finding) -> String {
        let mut text = format!(
            "**{}** ({}): {}\n",
            finding.rule,
            finding.confidence.id(),
            finding.message
        );
        for (number, step) in (1..).zip(&finding.steps) {
            let place = self.positions.place(step.location);
            let line = format!("\n{number}. {}:{}: {}", place.path, place.line, step.message);
            text.push_str(&line);
        }
        if let Some(help) = &finding.help {
            text.push_str(&format!("\n\nhelp: {help}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_makes_a_text_another() {
        let check = |before: &str, after: &str, expected: &str| {
            let lsp::TextEdit { range, new_text, .. } = difference(before, after);
            let (start, end) = (range.start, range.end);
            let found = format!(
                "{}:{}-{}:{} {new_text:?}",
                start.line, start.character, end.line, end.character
            );
            assert_eq!(found, expected);
        };
        check("a\nb\n", "a\nb  # c\n", "1:1-1:1 \"  # c\"");
        check("\u{1F600}b", "\u{1F600}bc", "0:3-0:3 \"c\"");
        check("aa", "aaa", "0:2-0:2 \"a\"");
        check("a", "a", "0:1-0:1 \"\"");
    }
}
