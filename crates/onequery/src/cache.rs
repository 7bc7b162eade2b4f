//! What earlier runs found out, kept in a folder: lowered files, and what whole runs concluded.
//!
//! Nothing in it is ever needed, and nothing is believed that is not about the very texts at hand: entries are found by
//! content, files are written in one step, and each build of the program has a folder of its own.

pub(crate) mod lowered;
pub(crate) mod remembered;
pub(crate) mod results;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;

use crate::cli::{CacheAction, CacheArgs, CacheCommand};
use crate::{CLEAN, project, write};

/// The folder in a project's root, unless another is asked for.
const FOLDER: &str = ".onequery_cache";

/// What marks a folder as one that backups may leave out (<https://bford.info/cachedir/>).
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # What onequery keeps between runs. It may be deleted at any time.\n";

/// The folder of this build in the cache's folder. Its entries are those of the program that wrote them.
pub(crate) const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "-", env!("ONEQUERY_BUILD"));

/// How many builds of the program keep something in one folder; the ones that kept something longest ago go.
const MAX_BUILDS: usize = 3;

/// Every file begins so, behind which its checksum follows.
const MAGIC: [u8; 8] = *b"onequery";

/// Where runs keep what they found out; nowhere when it is switched off.
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    /// Why something could not be kept, the first reason.
    trouble: Mutex<Option<anyhow::Error>>,
}

impl Cache {
    /// The cache of a project.
    pub(crate) fn of(root: &Path, args: &CacheArgs) -> Self {
        Self {
            folder: (!args.no_cache).then(|| folder_of(root, args.cache_dir.as_deref())),
            ..Self::off()
        }
    }

    /// No cache at all.
    pub(crate) fn off() -> Self {
        Self {
            folder: None,
            trouble: Mutex::default(),
        }
    }

    /// Whether anything is kept.
    pub(crate) const fn is_on(&self) -> bool {
        self.folder.is_some()
    }

    /// The file of a name, as far as it can be read and is whole.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.folder.as_ref()?.join(BUILD).join(name)).ok()?;
        unsealed(bytes)
    }

    /// Keeps a file. Trouble is told at the end of the run, once.
    fn write(&self, name: &str, payload: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let written = prepare(folder).and_then(|()| {
            let path = folder.join(BUILD).join(name);
            let parent = path.parent().context("a name is a file's")?;
            std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            write::replace_entry(&path, &sealed(payload))
        });
        if let Err(error) = written {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.get_or_insert(error);
        }
    }

    /// Says why something could not be kept: the run is none the worse for it, the next one is slower.
    pub(crate) fn tell_of_trouble(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = trouble.take() {
            crate::complain(&format!(
                "note: nothing is kept for the next run, `--no-cache` does without: {error:#}"
            ));
        }
    }
}

fn folder_of(root: &Path, asked: Option<&Path>) -> PathBuf {
    asked.map_or_else(|| root.join(FOLDER), Path::to_owned)
}

/// Makes the folder, marks it, and makes room for this build in it.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    let own = folder.join(BUILD);
    if own.is_dir() {
        return Ok(());
    }
    anyhow::ensure!(!folder.is_symlink(), "{} is a link", folder.display());
    let is_new = !folder.exists();
    std::fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
    // A folder that was there before is somebody else's.
    if is_new {
        write::replace_entry(&folder.join(TAG), TAG_TEXT.as_bytes())?;
        write::replace_entry(&folder.join(".gitignore"), b"*\n")?;
    }
    let mut builds = builds_in(folder);
    builds.sort_by_key(|build| std::cmp::Reverse(kept_at(build)));
    for build in builds.iter().filter(|build| **build != own).skip(MAX_BUILDS - 1) {
        // Another run may be faster, or still write: what stays goes another time.
        let _ = std::fs::remove_dir_all(build);
    }
    Ok(())
}

/// The folders of all builds.
fn builds_in(folder: &Path) -> Vec<PathBuf> {
    let is_build = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let parts = name.and_then(|name| name.rsplit_once('-'));
        let is_named_so = parts.is_some_and(|(version, hash)| {
            let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hash && version.starts_with(|first: char| first.is_ascii_digit())
        });
        let mut inside = [lowered::FOLDER, results::FOLDER].into_iter();
        is_named_so && inside.any(|part| path.join(part).is_dir())
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_build).collect()
}

/// When something was last written into a build's folder.
fn kept_at(build: &Path) -> SystemTime {
    let files = files_below(build)
        .into_iter()
        .filter_map(|(_, meta)| meta.modified().ok());
    files.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn files_below(folder: &Path) -> Vec<(PathBuf, std::fs::Metadata)> {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).build();
    let files = walk.flatten().filter_map(|entry| {
        let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((entry.into_path(), meta))
    });
    files.collect()
}

/// A payload with the mark and the checksum in front.
pub(crate) fn sealed(payload: &[u8]) -> Vec<u8> {
    let checksum = xxhash_rust::xxh3::xxh3_64(payload).to_le_bytes();
    [&MAGIC[..], &checksum, payload].concat()
}

/// The payload, if all of it is there.
pub(crate) fn unsealed(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    const HEAD: usize = MAGIC.len() + size_of::<u64>();
    let head: [u8; HEAD] = bytes.first_chunk().copied()?;
    bytes.drain(..HEAD);
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes).to_le_bytes();
    (head == *[MAGIC, checksum].concat()).then_some(bytes)
}

/// `onequery cache`. Gives the exit code.
pub(crate) fn run(args: &CacheCommand) -> anyhow::Result<u8> {
    let path = args
        .path
        .canonicalize()
        .with_context(|| args.path.display().to_string())?;
    let folder = folder_of(&project::root_of(&[path]), args.cache_dir.as_deref());
    let mut out = std::io::stdout().lock();
    match args.action {
        CacheAction::Dir => writeln!(out, "{}", folder.display())?,
        CacheAction::Stats => stats(&folder, &mut out)?,
        CacheAction::Clean => {
            let (files, bytes) = size_of_cache(&folder);
            clean(&folder)?;
            writeln!(out, "deleted: {files} files, {}", readable(bytes))?;
        }
    }
    Ok(CLEAN)
}

fn stats(folder: &Path, out: &mut impl std::io::Write) -> std::io::Result<()> {
    writeln!(out, "{}", folder.display())?;
    for build in builds_in(folder) {
        let files = files_below(&build);
        let bytes: u64 = files.iter().map(|(_, meta)| meta.len()).sum();
        let name = build.file_name().unwrap_or_default().to_string_lossy();
        let this = if name == BUILD { " (this build)" } else { "" };
        writeln!(out, "  {name}{this}: {}", readable(bytes))?;
        if name == BUILD {
            let within = |folder: &'static str| {
                let paths = files.iter().map(|(path, _)| path);
                paths.filter(move |path| path.parent().is_some_and(|at| at.ends_with(folder)))
            };
            let read = |path: &PathBuf| std::fs::read(path).ok().and_then(unsealed);
            let counts = within(lowered::FOLDER).filter_map(|path| lowered::count(&read(path)?));
            writeln!(out, "    lowered files: {}", counts.sum::<usize>())?;
            writeln!(out, "    whole runs:    {}", within(results::FOLDER).count())?;
        }
    }
    Ok(())
}

/// Files and bytes of all builds.
fn size_of_cache(folder: &Path) -> (usize, u64) {
    let files: Vec<_> = builds_in(folder)
        .iter()
        .flat_map(|build| files_below(build))
        .collect();
    (files.len(), files.iter().map(|(_, meta)| meta.len()).sum())
}

/// Deletes what is ours in a folder, and the folder if nothing else is in it.
fn clean(folder: &Path) -> anyhow::Result<()> {
    for build in builds_in(folder) {
        std::fs::remove_dir_all(&build).with_context(|| build.display().to_string())?;
    }
    let tag = folder.join(TAG);
    if std::fs::read(&tag).is_ok_and(|text| text == TAG_TEXT.as_bytes()) {
        std::fs::remove_file(&tag).with_context(|| tag.display().to_string())?;
        let ignored = folder.join(".gitignore");
        if std::fs::read(&ignored).is_ok_and(|text| text == b"*\n") {
            std::fs::remove_file(&ignored).with_context(|| ignored.display().to_string())?;
        }
        // Somebody else's files keep it alive.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

/// A number of bytes for people.
fn readable(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::{sealed, unsealed};

    #[test]
    fn what_is_not_whole_is_not_read() {
        let bytes = sealed(b"payload");
        assert_eq!(unsealed(bytes.clone()).as_deref(), Some(&b"payload"[..]));
        for end in 0..bytes.len() {
            assert_eq!(unsealed(bytes[..end].to_vec()), None);
        }
        for at in 0..bytes.len() {
            let mut odd = bytes.clone();
            odd[at] ^= 1;
            assert_eq!(unsealed(odd), None);
        }
    }
}
