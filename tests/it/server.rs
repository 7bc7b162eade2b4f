//! The language server, as an editor meets it: a client over pipes.

use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};

use crate::support::{command, list, number, project, text, write};

const MODELS: &str = "\
from django.db import models


class Maker(models.Model):
    name = models.TextField()


class Product(models.Model):
    maker = models.ForeignKey(Maker, models.CASCADE)
";

const VIEWS: &str = "\
from shop.models import Product


def makers():
    return [\"\u{1F600}\" + product.maker.name for product in Product.objects.all()]
";

struct Editor {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    root: String,
}

impl Editor {
    fn open(folder: &Path) -> Self {
        let mut server = command(folder, &["server"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary of this package can be run");
        let (input, output) = (server.stdin.take(), server.stdout.take());
        let root = folder.canonicalize().expect("the folder is there");
        let mut editor = Self {
            server,
            input: input.expect("it is piped"),
            output: BufReader::new(output.expect("it is piped")),
            root: format!("file://{}", root.display()),
        };
        let folders = json!([{ "uri": editor.root, "name": "shop" }]);
        let params =
            json!({ "processId": null, "rootUri": null, "capabilities": {}, "workspaceFolders": folders });
        let told = editor.ask("initialize", params);
        assert_eq!(told["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, path: &str) -> String {
        format!("{}/{path}", self.root)
    }

    fn tell(&mut self, method: &str, params: Value) {
        let note = Notification::new(method.to_owned(), params);
        Message::from(note)
            .write(&mut self.input)
            .expect("the server listens");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = Request::new(1.into(), method.to_owned(), params);
        Message::from(request)
            .write(&mut self.input)
            .expect("the server listens");
        loop {
            if let Message::Response(response) = self.next() {
                return response.response_result.expect("the server can answer");
            }
        }
    }

    fn next(&mut self) -> Message {
        let message = Message::read(&mut self.output).expect("the server speaks the protocol");
        message.expect("the server is there")
    }

    /// Waits for what the server says of a file.
    fn diagnostics(&mut self, path: &str) -> Vec<Value> {
        let uri = self.uri(path);
        loop {
            if let Message::Notification(note) = self.next()
                && note.method == "textDocument/publishDiagnostics"
                && text(&note.params, "/uri") == uri
            {
                return list(&note.params, "/diagnostics").to_vec();
            }
        }
    }

    fn change(&mut self, path: &str, text: &str) {
        let document = json!({ "uri": self.uri(path), "version": 2 });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", params);
    }

    fn close(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        let status = self.server.wait().expect("the server ends");
        assert!(status.success(), "{status}");
    }
}

#[test]
fn an_editor_sees_findings_come_and_go() {
    let folder = project(&[
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
        ("shop/views.py", VIEWS),
    ]);
    let mut editor = Editor::open(folder.path());
    let found = editor.diagnostics("shop/views.py");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(text(&found[0], "/code"), "lazy-relation-in-loop");
    assert_eq!(number(&found[0], "/range/start/line"), 4);
    // The emoji is two units wide.
    assert_eq!(number(&found[0], "/range/start/character"), 19);
    let related = list(&found[0], "/relatedInformation");
    assert_eq!(
        text(&related[0], "/message"),
        "the rows come from here, without the relation"
    );

    let document = json!({ "uri": editor.uri("shop/views.py") });
    let position = json!({ "line": 4, "character": 22 });
    let hover = editor.ask(
        "textDocument/hover",
        json!({ "textDocument": document, "position": position }),
    );
    assert!(
        text(&hover, "/contents/value").contains("select_related(\"maker\")"),
        "{hover:#}"
    );
    let range = json!({ "start": position, "end": position });
    let params = json!({ "textDocument": document, "range": range, "context": { "diagnostics": [] } });
    let actions = editor.ask("textDocument/codeAction", params);
    assert_eq!(
        text(&actions, "/0/title"),
        "Add .select_related(\"maker\") at shop/views.py:5"
    );
    let edits = &actions[0]["edit"]["changes"][editor.uri("shop/views.py")];
    assert_eq!(text(edits, "/0/newText"), ".select_related(\"maker\")");
    let end = VIEWS.lines().nth(4).map_or(0, |line| line.encode_utf16().count()) - 1;
    let place = json!({ "line": 4, "character": end });
    assert_eq!(edits[0]["range"], json!({ "start": place, "end": place }));
    assert_eq!(
        text(&actions, "/1/title"),
        "Accept with a comment: ignore[lazy-relation-in-loop]"
    );
    let edits = &actions[1]["edit"]["changes"][editor.uri("shop/views.py")];
    assert_eq!(
        text(edits, "/0/newText"),
        "  # onequery: ignore[lazy-relation-in-loop]"
    );

    let item =
        json!({ "uri": editor.uri("shop/views.py"), "languageId": "python", "version": 1, "text": VIEWS });
    editor.tell("textDocument/didOpen", json!({ "textDocument": item }));
    assert_eq!(editor.diagnostics("shop/views.py").len(), 1);
    editor.change(
        "shop/views.py",
        &VIEWS.replace(".all()", ".select_related('maker')"),
    );
    assert_eq!(editor.diagnostics("shop/views.py"), [Value::Null; 0]);
    // Half of a line, as it is while somebody writes.
    editor.change("shop/views.py", &format!("{VIEWS}\n\ndef more(keys:\n    for"));
    assert_eq!(editor.diagnostics("shop/views.py").len(), 1);
    // What another file says decides.
    let item =
        json!({ "uri": editor.uri("shop/models.py"), "languageId": "python", "version": 1, "text": MODELS });
    editor.tell("textDocument/didOpen", json!({ "textDocument": item }));
    assert_eq!(editor.diagnostics("shop/views.py").len(), 1);
    editor.change(
        "shop/models.py",
        &MODELS.replace("models.ForeignKey(Maker, models.CASCADE)", "None"),
    );
    assert_eq!(editor.diagnostics("shop/views.py"), [Value::Null; 0]);
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": editor.uri("shop/models.py") } }),
    );
    assert_eq!(
        editor.diagnostics("shop/views.py").len(),
        1,
        "what was not saved is gone"
    );

    write(
        folder.path(),
        "onequery.toml",
        "ignore = ['lazy-relation-in-loop']",
    );
    let saved = json!({ "uri": editor.uri("onequery.toml") });
    editor.tell("textDocument/didSave", json!({ "textDocument": saved }));
    assert_eq!(editor.diagnostics("shop/views.py"), [Value::Null; 0]);
    editor.close();
}

#[test]
fn settings_that_cannot_be_read_are_told_in_the_editor() {
    let folder = project(&[("a.py", "x = 1\n"), ("onequery.toml", "selct = []")]);
    let mut editor = Editor::open(folder.path());
    loop {
        if let Message::Notification(note) = editor.next() {
            assert_eq!(note.method, "window/showMessage");
            assert!(text(&note.params, "/message").contains("did you mean `select`?"));
            break;
        }
    }
    let params =
        json!({ "textDocument": { "uri": editor.uri("a.py") }, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.ask("textDocument/hover", params), Value::Null);
    editor.close();
}
