//! Measures the Python front end on a folder: `cargo run --release --example parse_only -- path/to/project`.
//!
//! Prints the seconds for reading every Python file, for tree-sitter alone, and for lowering (which contains it), on one
//! thread and on all. It is the baseline that changes to the front end are compared with.
//!
//! With `--only parse` behind the folder, the whole process does nothing but read and parse every file once, Rust files
//! with syn, on all threads: what `bench/run` compares the whole tool with.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use onequery_parser::front_end;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use tree_sitter::Parser;

fn main() -> io::Result<()> {
    let root = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let only = env::args_os().nth(2).zip(env::args_os().nth(3));
    let only_parse = only.is_some_and(|(option, value)| option == "--only" && value == "parse");
    let lower = front_end(".py").expect("Python is a front end").lower;

    let mut paths = Vec::new();
    collect(Path::new(&root), &mut paths)?;
    paths.sort();
    if only_parse {
        return parse(&paths);
    }
    paths.retain(|path| !is_rust(path));
    let start = Instant::now();
    let texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .collect::<io::Result<_>>()?;
    let mut out = io::stdout().lock();
    let n_lines: usize = texts.iter().map(|text| text.lines().count()).sum();
    let n_bytes: usize = texts.iter().map(String::len).sum();
    writeln!(out, "{} files, {n_lines} lines, {n_bytes} bytes", texts.len())?;
    writeln!(
        out,
        "read                   {:.3} s",
        start.elapsed().as_secs_f64()
    )?;

    let start = Instant::now();
    let mut parser = python_parser();
    let n_nodes: usize = texts
        .iter()
        .filter_map(|text| parser.parse(text, None))
        .map(|tree| tree.root_node().descendant_count())
        .sum();
    let parse = start.elapsed().as_secs_f64();
    writeln!(out, "tree-sitter, 1 thread  {parse:.3} s, {n_nodes} nodes")?;

    let start = Instant::now();
    let n_exprs: usize = texts.iter().map(|text| lower(text).exprs.len()).sum();
    let both = start.elapsed().as_secs_f64();
    let share = 100.0 * (both - parse) / parse;
    writeln!(
        out,
        "lower, 1 thread        {both:.3} s, {n_exprs} expressions, {share:.0}% on top of tree-sitter"
    )?;

    let start = Instant::now();
    let n_problems: usize = texts.par_iter().map(|text| lower(text).problems.len()).sum();
    let all = start.elapsed().as_secs_f64();
    let n_threads = rayon::current_num_threads();
    writeln!(
        out,
        "lower, {n_threads} threads       {all:.3} s, {n_problems} problems"
    )
}

/// Reads and parses every file once, on all threads, and keeps nothing.
fn parse(paths: &[PathBuf]) -> io::Result<()> {
    let parse = |parser: &mut Parser, path: &PathBuf| -> io::Result<(usize, usize)> {
        let text = fs::read(path)?;
        let n_lines = text.iter().filter(|&&byte| byte == b'\n').count();
        let n_nodes = if is_rust(path) {
            let file = syn::parse_file(&String::from_utf8_lossy(&text));
            file.map_or(0, |file| file.items.len())
        } else {
            let tree = parser.parse(&text, None);
            let tree = tree.expect("a parser without a deadline always gives a tree");
            tree.root_node().descendant_count()
        };
        Ok((n_lines, n_nodes))
    };
    let (n_lines, n_nodes) = paths
        .par_iter()
        .map_init(python_parser, parse)
        .try_reduce(|| (0, 0), |a, b| Ok((a.0 + b.0, a.1 + b.1)))?;
    writeln!(
        io::stdout(),
        "{} files, {n_lines} lines, {n_nodes} nodes of Python and items of Rust",
        paths.len()
    )
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn python_parser() -> Parser {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .expect("Cargo.lock pairs the grammar with a tree-sitter that can read it");
    parser
}

/// Folders that `onequery` passes over, whatever `.gitignore` says.
const FOREIGN: &[&str] = &[
    "target",
    "node_modules",
    "site-packages",
    "__pycache__",
    "vendor",
    "vendored",
    "third_party",
    "venv",
];

/// All source files below a folder that `onequery` would read; links are not followed.
///
/// `.gitignore` is not looked at, so a comparison wants a fresh checkout.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        let name = entry.file_name();
        let is_passed_over =
            name.as_encoded_bytes().starts_with(b".") || FOREIGN.iter().any(|it| name == *it);
        if kind.is_dir() {
            if !is_passed_over {
                collect(&path, paths)?;
            }
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|it| it == "py" || it == "pyi" || it == "rs")
        {
            paths.push(path);
        }
    }
    Ok(())
}
