//! The text of a `CODEOWNERS` file becomes rules.

use globset::Glob;

use super::{Dialect, OwnersError, Rule, pattern};

/// What GitLab puts before the name of a role …
const ROLE: &str = "@@";
/// … and the roles that can own files.
const ROLES: [&str; 6] = [
    "developer",
    "developers",
    "maintainer",
    "maintainers",
    "owner",
    "owners",
];

/// The rules of a file in order, with the globs that match their files, and its lines that the host does not take.
pub(super) fn parse(text: &str, dialect: Dialect) -> (Vec<(Rule, Vec<Glob>)>, Vec<OwnersError>) {
    let mut reader = Reader {
        dialect,
        rules: Vec::new(),
        // What stands before the first heading is a section, too.
        sections: vec![String::new()],
        section: 0,
        default_owners: Vec::new(),
    };
    let mut errors = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        if let Err((column, message)) = reader.line(line) {
            errors.push(OwnersError {
                line: number,
                column,
                message,
            });
        }
    }
    (reader.rules, errors)
}

/// A mistake: its column, counted from 1 in code points, and what to do.
type Mistake = (usize, String);

struct Reader {
    dialect: Dialect,
    rules: Vec<(Rule, Vec<Glob>)>,
    /// The names of the sections so far, in lower case.
    sections: Vec<String>,
    /// The section that lines belong to.
    section: usize,
    /// The owners of its lines that name none.
    default_owners: Vec<String>,
}

/// A run of text without white space.
#[derive(Clone, Copy)]
struct Word<'t> {
    /// Counted from 1 in code points.
    column: usize,
    text: &'t str,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), Mistake> {
        let words = words(line);
        let Some(first) = words.first().filter(|word| !word.text.starts_with('#')) else {
            return Ok(());
        };
        match self.dialect {
            Dialect::Github if heading(line.trim()).is_some() => Err((
                first.column,
                "GitHub has no sections; with `codeowners = \"gitlab\"` in the settings the file is read as GitLab does"
                    .to_owned(),
            )),
            Dialect::Github => self.github(*first, &words[1..]),
            Dialect::Gitlab => match heading(line.trim()) {
                Some(heading) => self.heading(&heading, first.column),
                None => self.gitlab(*first, &words[1..]),
            },
        }
    }

    fn github(&mut self, path: Word<'_>, rest: &[Word<'_>]) -> Result<(), Mistake> {
        if path.text.starts_with("\\#") {
            let message = "GitHub takes no pattern that begins with `#`, not even behind a `\\`";
            return Err((path.column, message.to_owned()));
        }
        let mut owners = Vec::new();
        // A comment may follow.
        for word in rest.iter().take_while(|word| !word.text.starts_with('#')) {
            if !is_owner(word.text, self.dialect) {
                let message = format!(
                    "`{}` is no owner; owners are `@user`, `@organisation/team` or an e-mail address, \
                     and `\\` stands before a space in a path",
                    word.text
                );
                return Err((word.column, message));
            }
            owners.push(word.text.to_owned());
        }
        self.push(path, path.text, owners, false)
    }

    fn gitlab(&mut self, path: Word<'_>, rest: &[Word<'_>]) -> Result<(), Mistake> {
        if let Some(excluded) = path.text.strip_prefix('!') {
            return self.push(path, excluded, Vec::new(), true);
        }
        if path.text.trim_start_matches('^').starts_with('[') && !path.text.contains(']') {
            let message =
                "this is no heading of a section, which is `[name]` with nothing but white space behind it";
            return Err((path.column, message.to_owned()));
        }
        // Words that are no owners are ignored, those of what looks like a comment among them.
        let named = owners_among(rest.iter().map(|word| word.text));
        let is_named = !named.is_empty();
        let owners = if is_named {
            named
        } else {
            self.default_owners.clone()
        };
        let is_owned = !owners.is_empty();
        // A line that names nobody matches all the same: GitLab then asks nobody.
        self.push(path, path.text, owners, false)?;
        // Those of the heading are not meant where a line tried to name others.
        if is_owned && (rest.is_empty() || is_named) {
            return Ok(());
        }
        let message = match rest.first() {
            Some(word) => format!(
                "`{}` is no owner; owners are `@user`, `@group/subgroup`, `@@role` or an e-mail address, \
                 and `\\` stands before a space in a path",
                word.text
            ),
            None => "nobody owns this; name owners here or in the heading of the section, \
                     or take the files out with `!`"
                .to_owned(),
        };
        Err((rest.first().unwrap_or(&path).column, message))
    }

    fn heading(&mut self, heading: &Heading<'_>, column: usize) -> Result<(), Mistake> {
        if heading.name.is_empty() {
            return Err((column, "a section needs a name between its brackets".to_owned()));
        }
        let name = heading.name.to_lowercase();
        let known = self.sections.iter().position(|section| *section == name);
        self.section = known.unwrap_or_else(|| {
            self.sections.push(name);
            self.sections.len() - 1
        });
        self.default_owners = owners_among(heading.rest.split_whitespace());
        Ok(())
    }

    fn push(&mut self, at: Word<'_>, path: &str, owners: Vec<String>, excludes: bool) -> Result<(), Mistake> {
        let globs = pattern::globs(path, self.dialect).map_err(|message| (at.column, message))?;
        let rule = Rule {
            section: self.section,
            owners,
            excludes,
        };
        self.rules.push((rule, globs));
        Ok(())
    }
}

/// The words of a line; white space after a backslash belongs to its word.
fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    // Where the word that is being read begins: its column and its byte.
    let mut begun: Option<(usize, usize)> = None;
    let mut is_escaped = false;
    for (column, (at, c)) in (1..).zip(line.char_indices()) {
        if c.is_whitespace() && !is_escaped {
            words.extend(begun.take().map(|(column, start)| Word {
                column,
                text: &line[start..at],
            }));
        } else {
            begun.get_or_insert((column, at));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    words.extend(begun.map(|(column, start)| Word {
        column,
        text: &line[start..],
    }));
    words
}

/// The heading of a section: `[name]`, `^[name]`, `[name][approvals]`, each with default owners behind it.
struct Heading<'t> {
    name: &'t str,
    /// What stands behind the brackets.
    rest: &'t str,
}

/// Reads a heading; `None` when a line is none, as one whose brackets are part of a pattern.
fn heading(line: &str) -> Option<Heading<'_>> {
    let (name, rest) = line
        .strip_prefix('^')
        .unwrap_or(line)
        .strip_prefix('[')?
        .split_once(']')?;
    // How many must approve is no matter here, and what is no number counts as one.
    let approvals = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let rest = approvals.map_or(rest, |(_, rest)| rest);
    let is_whole = rest.is_empty() || rest.starts_with(char::is_whitespace);
    is_whole.then_some(Heading {
        name: name.trim(),
        rest,
    })
}

/// Whether a text has headings of sections, which only GitLab knows.
pub(super) fn has_sections(text: &str) -> bool {
    text.lines().any(|line| heading(line.trim()).is_some())
}

fn owners_among<'t>(words: impl Iterator<Item = &'t str>) -> Vec<String> {
    let owners = words.filter(|word| is_owner(word, Dialect::Gitlab));
    owners.map(str::to_owned).collect()
}

/// Whether a word can name an owner. Whether there is such a user only the host knows.
fn is_owner(word: &str, dialect: Dialect) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if let Some(role) = word.strip_prefix(ROLE) {
        return dialect == Dialect::Gitlab && ROLES.contains(&role.to_ascii_lowercase().as_str());
    }
    if let Some(handle) = word.strip_prefix('@') {
        let depth = match dialect {
            Dialect::Github => 2,
            // Groups nest.
            Dialect::Gitlab => usize::MAX,
        };
        return handle.split('/').count() <= depth && handle.split('/').all(is_name);
    }
    let address = word.split_once('@');
    let is_user = |user: &str| !user.is_empty() && !user.contains(char::is_control);
    address.is_some_and(|(user, domain)| is_user(user) && is_name(domain))
}
