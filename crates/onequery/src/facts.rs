//! `onequery facts`: lowered files in one file. Many machines can lower parts of a large tree, and one analyse them together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use onequery_core::Problem;
use onequery_core::ir::FileIr;
use onequery_parser::front_end;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cache::lowered::{LoweredFiles, hash};
use crate::cache::{BUILD, Cache, sealed, unsealed};
use crate::cli::Facts;
use crate::listed::{FILES_AT_ONCE, Listed, Text};
use crate::pipeline::{Lowered, lower};
use crate::scope::Scope;
use crate::{CLEAN, FAILED, complain, project, write};

/// What a file of facts begins with; the texts and lowered files follow in the order of `files`.
#[derive(Serialize, Deserialize)]
struct Head<'h> {
    /// The build of the program that wrote it, the only one that can read it.
    build: &'h str,
    /// Texts of Cargo manifests, by path.
    manifests: Vec<(String, String)>,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    text_length: u32,
    ir_length: u32,
    /// What was odd about reading it.
    reading: Vec<Problem>,
    /// What went wrong when it was lowered.
    lowering: Vec<Problem>,
}

/// One file of those in a file of facts.
#[derive(Clone)]
pub(crate) struct FactsFile {
    all: Arc<[u8]>,
    text: Range<usize>,
    ir: Range<usize>,
    reading: Vec<Problem>,
    lowering: Vec<Problem>,
}

impl FactsFile {
    pub(crate) fn text(&self) -> Text {
        let text = String::from_utf8_lossy(&self.all[self.text.clone()]);
        Text {
            hash: hash(&text),
            text: text.into(),
            problems: self.reading.clone(),
        }
    }

    /// What the file was lowered to, with what went wrong.
    pub(crate) fn lowered(&self) -> Option<(FileIr, Vec<Problem>)> {
        let ir = postcard::from_bytes(&self.all[self.ir.clone()]).ok()?;
        Some((ir, self.lowering.clone()))
    }
}

/// Writes the facts of some paths. Gives the exit code.
pub(crate) fn run(args: &Facts) -> anyhow::Result<u8> {
    let absolute = |path: &PathBuf| path.canonicalize().with_context(|| path.display().to_string());
    let paths: Vec<PathBuf> = args.paths.iter().map(absolute).collect::<anyhow::Result<_>>()?;
    let root = match &args.root {
        Some(root) => absolute(root)?,
        None => project::root_of(&paths),
    };
    for path in &paths {
        ensure!(
            path.starts_with(&root),
            "{} is not in {}",
            path.display(),
            root.display()
        );
    }
    let cache = Cache::of(&root, &args.cache);
    let listed = Listed::parts_of(&root, &paths, &Scope::everything());
    let kept = LoweredFiles::of(&cache);
    let files = listed.files.par_iter().with_max_len(FILES_AT_ONCE);
    let lowered: Vec<Lowered> = files.map(|file| lower(file, &kept)).collect();
    write::replace(&args.output, &encoded(&listed, &lowered)?)?;
    kept.keep(&|_| true);
    cache.tell_of_trouble();
    listed.errors.iter().for_each(|error| complain(error));
    let mut failed = !listed.errors.is_empty();
    for (file, lowered) in listed.files.iter().zip(&lowered) {
        for problem in lowered.text.problems.iter().chain(&lowered.problems) {
            if problem.kind.is_failure() {
                complain(&format!("{}: {}", file.path, problem.message));
                failed = true;
            }
        }
    }
    Ok(if failed { FAILED } else { CLEAN })
}

fn encoded(listed: &Listed, lowered: &[Lowered]) -> anyhow::Result<Vec<u8>> {
    let irs: Vec<Vec<u8>> = lowered
        .par_iter()
        .map(|file| postcard::to_stdvec(&file.ir))
        .collect::<Result<_, _>>()?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).context("a file is larger than 4 GiB");
    let mut files = Vec::new();
    for ((file, lowered), ir) in listed.files.iter().zip(lowered).zip(&irs) {
        files.push(Entry {
            path: file.path.clone(),
            text_length: length(lowered.text.text.as_bytes())?,
            ir_length: length(ir)?,
            reading: lowered.text.problems.clone(),
            lowering: lowered.problems.clone(),
        });
    }
    let head = Head {
        build: BUILD,
        manifests: listed.manifests().to_vec(),
        files,
    };
    let mut payload = postcard::to_stdvec(&head)?;
    for (lowered, ir) in lowered.iter().zip(&irs) {
        payload.extend(lowered.text.text.as_bytes());
        payload.extend(ir);
    }
    Ok(sealed(&payload))
}

/// Lists the files of some files of facts, as one project.
///
/// # Errors
///
/// A file of facts that cannot be read, is not whole or was written by another build; two of them that have different texts
/// for one path.
pub(crate) fn read(paths: &[PathBuf], scope: &Scope) -> anyhow::Result<Listed> {
    let mut files: BTreeMap<String, (FactsFile, &Path)> = BTreeMap::new();
    let mut manifests: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let shown = || path.display().to_string();
        let bytes = std::fs::read(path).with_context(shown)?;
        let (of_path, manifests_there) = decoded(bytes).with_context(shown)?;
        for (name, file) in of_path {
            if let Some((known, other)) = files.get(&name)
                && known.all[known.text.clone()] != file.all[file.text.clone()]
            {
                bail!(
                    "{} and {} have different texts of {name}",
                    other.display(),
                    path.display()
                );
            }
            files.insert(name, (file, path));
        }
        for (name, text) in manifests_there {
            let known = manifests.insert(name.clone(), text.clone());
            ensure!(
                known.is_none_or(|known| known == text),
                "{} and a file before it have different texts of {name}",
                path.display()
            );
        }
    }
    let files = files.into_iter().map(|(path, (file, _))| (path, file));
    Ok(Listed::of_facts(files.collect(), manifests, scope))
}

/// The files and manifests, by path, of a file of facts.
type Decoded = (Vec<(String, FactsFile)>, Vec<(String, String)>);

fn decoded(bytes: Vec<u8>) -> anyhow::Result<Decoded> {
    let all: Arc<[u8]> = unsealed(bytes)
        .context("this is no file of facts, or not all of one")?
        .into();
    let (head, rest) = postcard::take_from_bytes::<Head<'_>>(&all)
        .ok()
        .filter(|(head, _)| head.build == BUILD)
        .with_context(|| {
            format!("another build of onequery wrote this, not {BUILD}; all parts need the same one")
        })?;
    let mut end = all.len() - rest.len();
    let mut files = Vec::new();
    for entry in head.files {
        let mut next = |length: u32| {
            let start = end;
            end += length as usize;
            start..end
        };
        let (text, ir) = (next(entry.text_length), next(entry.ir_length));
        ensure!(front_end(&entry.path).is_some(), "nothing reads {}", entry.path);
        let file = FactsFile {
            all: all.clone(),
            text,
            ir,
            reading: entry.reading,
            lowering: entry.lowering,
        };
        files.push((entry.path, file));
    }
    ensure!(end == all.len(), "this is not all of a file of facts");
    Ok((files, head.manifests))
}
