//! Path patterns of `CODEOWNERS` as globs.

use globset::{Glob, GlobBuilder};

use super::Dialect;

/// The globs that together match what a pattern matches, on paths that begin where the patterns do.
///
/// # Errors
///
/// What is wrong with the pattern.
pub(super) fn globs(pattern: &str, dialect: Dialect) -> Result<Vec<Glob>, String> {
    if dialect == Dialect::Github {
        refuse(pattern)?;
    }
    let is_anchored = pattern.starts_with('/');
    let is_folder = pattern.ends_with('/');
    let body = pattern.trim_matches('/');
    if body.is_empty() {
        return Err(format!("`{pattern}` matches no file; `*` matches all of them"));
    }
    let parts: Vec<&str> = body.split('/').collect();
    let last = parts[parts.len() - 1];
    let is_anchored = match dialect {
        // As in `.gitignore`, a slash anywhere but at the end ties a pattern to the top.
        Dialect::Github => is_anchored || parts.len() > 1,
        Dialect::Gitlab => is_anchored,
    };
    let top = if is_anchored { "" } else { "**/" };
    let parts: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(ix, part)| match dialect {
            // For `File::fnmatch`, two asterisks without a slash behind them are one.
            Dialect::Gitlab if ix + 1 == parts.len() && !is_folder => part_of(part, false),
            _ => part_of(part, true),
        })
        .collect();
    let itself = format!("{top}{}", parts.join("/"));
    let inside = format!("{itself}/**");
    let globs = match dialect {
        _ if is_folder => vec![inside],
        Dialect::Gitlab => vec![itself],
        // `docs/*` does not reach further down, unlike in `.gitignore`; `docs/**` reaches all the way by itself.
        Dialect::Github if matches!(last, "*" | "**") => vec![itself],
        // A name is that of a file, or that of a folder and stands for all that is in it.
        Dialect::Github => vec![itself, inside],
    };
    globs.iter().map(|glob| build(glob)).collect()
}

/// What `.gitignore` has and GitHub leaves out.
fn refuse(pattern: &str) -> Result<(), String> {
    if pattern.starts_with('!') {
        Err("a pattern cannot begin with `!`; a later one without owners takes files out".to_owned())
    } else if pattern.contains('[') {
        Err("a pattern cannot have `[ ]`; write one pattern for each character".to_owned())
    } else {
        Ok(())
    }
}

fn build(glob: &str) -> Result<Glob, String> {
    let mut builder = GlobBuilder::new(glob);
    builder.literal_separator(true).backslash_escape(true);
    builder.build().map_err(|error| error.kind().to_string())
}

/// What stands between two slashes, in the spelling of `globset`, which gives more characters a meaning than hosts do.
/// Two asterisks stand for folders only where they `may_nest` and stand alone.
fn part_of(part: &str, may_nest: bool) -> String {
    if part == "**" && may_nest {
        return part.to_owned();
    }
    let mut glob = String::with_capacity(part.len());
    let mut chars = part.chars().peekable();
    let (mut in_class, mut is_negated) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '*' if glob.ends_with('*') && !glob.ends_with("\\*") && !in_class => {}
            '[' if !in_class => {
                in_class = true;
                is_negated = matches!(chars.peek(), Some('!' | '^'));
                glob.push(c);
                // A bracket that closes does not do so at the front.
                for front in ['!', '^', ']'] {
                    if let Some(c) = chars.next_if_eq(&front) {
                        glob.push(c);
                    }
                }
            }
            ']' if in_class => {
                in_class = false;
                // What is not in a set is no slash either. Behind a hyphen it would be the end of a range.
                if is_negated && !glob.ends_with('-') {
                    glob.push('/');
                }
                glob.push(c);
            }
            '*' | '?' => glob.push(c),
            _ if in_class => glob.push(c),
            '\\' => literal(chars.next().unwrap_or('\\'), &mut glob),
            _ => literal(c, &mut glob),
        }
    }
    glob
}

fn literal(c: char, glob: &mut String) {
    if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
        glob.push('\\');
    }
    glob.push(c);
}
