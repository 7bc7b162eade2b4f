//! What git knows of a project. Its own settings and the odd names of files must not change what we read: outputs are
//! separated by NUL, and helpers of the user's configuration are not run.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// A project's folder, which need not be the top of its repository. All paths are relative to it.
#[derive(Clone, Copy)]
pub(crate) struct Repository<'r>(pub(crate) &'r Path);

/// A file that differs between a commit and what is there now.
pub(crate) struct Change {
    /// Its path in the commit; `None` for a new file.
    pub(crate) before: Option<String>,
    /// Its path now.
    pub(crate) now: String,
}

/// The commit that wrote a line.
pub(crate) struct Blamed {
    /// Its abbreviated hash.
    pub(crate) commit: String,
    /// When it was committed, in seconds since 1970.
    pub(crate) time: i64,
    /// The day, `YYYY-MM-DD`.
    pub(crate) date: String,
    pub(crate) author: String,
    /// The first line of its message.
    pub(crate) summary: String,
}

impl Repository<'_> {
    fn command(self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["-c", "core.fsmonitor=false", "-C"]).arg(self.0);
        command.args(args).stdin(Stdio::null());
        // What git tells its hooks is relative to the top of the work tree, and this folder need not be that.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        command
    }

    /// What a command prints. A command that fails is an error with what it said.
    fn output(self, args: &[&str]) -> anyhow::Result<Vec<u8>> {
        let output = self.command(args).output().context("cannot run git")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("git {}: {}", args.first().unwrap_or(&""), said.trim());
        }
        Ok(output.stdout)
    }

    fn line(self, args: &[&str]) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.output(args)?).trim().to_owned())
    }

    /// The commit that a revision names.
    pub(crate) fn commit(self, rev: &str) -> anyhow::Result<String> {
        let named = format!("{rev}^{{commit}}");
        self.line(&["rev-parse", "--is-inside-work-tree"])
            .with_context(|| format!("{} is not in a git repository", self.0.display()))?;
        self.line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &named])
            .map_err(|_| match self.is_shallow() {
                true => anyhow::anyhow!("the shallow clone does not have revision `{rev}`; {DEEPEN}"),
                false => anyhow::anyhow!("there is no revision `{rev}`"),
            })
    }

    /// The last commit, or what a repository without commits begins with: the empty tree.
    pub(crate) fn head(self) -> anyhow::Result<String> {
        self.commit("HEAD")
            .or_else(|error| match self.line(&["rev-list", "--all", "--max-count=1"]) {
                Ok(commits) if commits.is_empty() => self.line(&["hash-object", "-t", "tree", "--stdin"]),
                _ => Err(error),
            })
    }

    /// The commit from which the current one and another went separate ways.
    pub(crate) fn merge_base(self, commit: &str) -> anyhow::Result<String> {
        self.line(&["merge-base", commit, "HEAD"]).map_err(|_| {
            if self.is_shallow() {
                anyhow::anyhow!(
                    "the shallow clone does not reach back to the merge base with {commit}; {DEEPEN}"
                )
            } else {
                anyhow::anyhow!("{commit} and the current commit have no common ancestor")
            }
        })
    }

    fn is_shallow(self) -> bool {
        self.line(&["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|said| said == "true")
    }

    /// The commit that last changed a file, when it is tracked and committed.
    pub(crate) fn last_commit_of(self, path: &Path) -> Option<String> {
        let path = path.to_str()?;
        let commit = self.line(&["log", "-1", "--format=%H", "--", path]).ok()?;
        (!commit.is_empty()).then_some(commit)
    }

    /// The commit that wrote a line, counted from 1, of a file as it is in the work tree; `None` when it is not committed,
    /// or the clone does not reach back to it.
    pub(crate) fn blame(self, path: &str, line: u32) -> Option<Blamed> {
        let range = format!("-L{line},{line}");
        let said = self
            // A list of commits to pass over that is not there would be an error.
            .line(&[
                "-c",
                "blame.ignoreRevsFile=",
                "blame",
                "-w",
                "--porcelain",
                &range,
                "--",
                path,
            ])
            .ok()?;
        let commit = said.split(' ').next()?;
        let is_boundary = said.lines().any(|line| line == "boundary");
        let is_committed = commit.bytes().any(|byte| byte != b'0');
        if !is_committed || (is_boundary && self.is_shallow()) {
            return None;
        }
        let format = "--format=%h%x00%ct%x00%cs%x00%an%x00%s";
        let shown = self
            .line(&["show", "--no-patch", "--no-color", format, commit, "--"])
            .ok()?;
        let mut fields = shown.splitn(5, '\0').map(ToOwned::to_owned);
        Some(Blamed {
            commit: fields.next()?,
            time: fields.next()?.parse().ok()?,
            date: fields.next()?,
            author: fields.next()?,
            summary: fields.next()?,
        })
    }

    /// What differs between a commit and the files there are, or those that are staged. Deleted files are left out.
    pub(crate) fn changes(self, commit: &str, staged: bool) -> anyhow::Result<Vec<Change>> {
        let mut args = vec![
            "diff",
            "--name-status",
            "-z",
            "-M",
            "--relative",
            "--no-ext-diff",
            "--no-color",
        ];
        if staged {
            args.push("--cached");
        }
        args.extend([commit, "--"]);
        let listed = self.output(&args)?;
        let mut fields = listed
            .split(|&byte| byte == 0)
            .map(|field| String::from_utf8_lossy(field).into_owned());
        let mut changes = Vec::new();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            let change = match status.as_bytes().first() {
                Some(b'R' | b'C') => Change {
                    before: Some(path),
                    now: fields.next().context("git names a renamed file only once")?,
                },
                Some(b'D') => continue,
                Some(b'A') => Change {
                    before: None,
                    now: path,
                },
                _ => Change {
                    before: Some(path.clone()),
                    now: path,
                },
            };
            changes.push(change);
        }
        Ok(changes)
    }

    /// The paths of all files that differ between a commit and what is there, deleted and renamed ones included.
    pub(crate) fn differing(self, commit: &str) -> anyhow::Result<BTreeSet<String>> {
        let options = [
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--relative",
            "--no-ext-diff",
        ];
        let listed = self.output(&[&options[..], &[commit, "--"]].concat())?;
        let paths = listed.split(|&byte| byte == 0).filter(|path| !path.is_empty());
        Ok(paths
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect())
    }

    /// The plain files of a commit, by path, with the ids of their contents.
    pub(crate) fn tracked(self, commit: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let listed = self.output(&["ls-tree", "-r", "-z", commit])?;
        let entry = |entry: &[u8]| {
            let (meta, path) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
            let mut meta = meta.split(' ');
            let is_file = meta.next()?.starts_with("100") && meta.next()? == "blob";
            is_file.then_some((path.to_owned(), meta.next()?.to_owned()))
        };
        Ok(listed.split(|&byte| byte == 0).filter_map(entry).collect())
    }

    /// The contents of some ids, in order.
    pub(crate) fn contents(self, ids: &[&str]) -> anyhow::Result<Vec<Vec<u8>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run git")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (mut input, output) = input.zip(output).context("git has no pipes")?;
        let contents = std::thread::scope(|threads| {
            // Asked for by a thread of its own: git stops reading when nobody takes what it writes.
            threads.spawn(|| {
                for id in ids {
                    if writeln!(input, "{id}").is_err() {
                        break;
                    }
                }
                drop(input);
            });
            let mut output = BufReader::new(output);
            ids.iter().map(|id| object(&mut output, id)).collect()
        });
        ensure!(child.wait()?.success(), "git cat-file failed");
        contents
    }
}

/// What to do about a shallow clone.
const DEEPEN: &str =
    "fetch the whole history (`git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout)";

/// The next object that `git cat-file --batch` writes.
fn object(output: &mut BufReader<impl std::io::Read>, id: &str) -> anyhow::Result<Vec<u8>> {
    let mut head = String::new();
    output.read_line(&mut head)?;
    let size = head.trim().rsplit(' ').next().and_then(|size| size.parse().ok());
    let size: u64 = size.with_context(|| format!("git does not have object {id}"))?;
    let mut bytes = Vec::new();
    output.take(size).read_to_end(&mut bytes)?;
    output.read_exact(&mut [0])?;
    Ok(bytes)
}
