//! Owners of paths, held against what the hosts document, and lines that they do not take.

use super::*;

/// A file, a path, the owners that it has, and what the documentation says.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// From "About code owners" of GitHub's documentation; what it leaves to `.gitignore` is from `gitignore(5)`.
#[rustfmt::skip]
const GITHUB: &[Case] = &[
    ("* @a @b", "README.md", "@a @b", "default owners for everything in the repo"),
    ("* @a @b", "deep/down/x.py", "@a @b", "default owners for everything in the repo"),
    ("* @a", ".github/x.yml", "@a", "everything: names that begin with a dot, too"),
    ("* @a\n*.js @js", "web/app.js", "@js", "the last matching pattern takes the most precedence"),
    ("*.js @js\n* @a", "web/app.js", "@a", "the last matching pattern takes the most precedence"),
    ("*.js @js", "web/app.jsx", "", "a pattern that does not match"),
    ("*.js @js #This is an inline comment.", "app.js", "@js", "an inline comment"),
    ("#*.js @js", "app.js", "", "this is a comment"),
    ("*.go docs@example.com", "cmd/x.go", "docs@example.com", "you can also use email addresses"),
    ("*.txt @octo-org/octocats", "a/b.txt", "@octo-org/octocats", "teams can be specified as code owners as well"),
    ("/build/logs/ @d", "build/logs/a.txt", "@d", "any files in the build/logs directory at the root"),
    ("/build/logs/ @d", "build/logs/a/b.txt", "@d", "and any of its subdirectories"),
    ("/build/logs/ @d", "x/build/logs/a.txt", "", "at the root of the repository"),
    ("/build/logs/ @d", "build/logs", "", "gitignore: with a slash at the end only directories are matched"),
    ("docs/* @d", "docs/getting-started.md", "@d", "matches files like docs/getting-started.md"),
    ("docs/* @d", "docs/build-app/troubleshooting.md", "", "but not further nested files"),
    ("docs/* @d", "x/docs/getting-started.md", "", "gitignore: a slash in the middle ties it to the top"),
    ("apps/ @o", "apps/a.py", "@o", "any file in an apps directory anywhere in your repository"),
    ("apps/ @o", "x/y/apps/z/a.py", "@o", "any file in an apps directory anywhere in your repository"),
    ("apps/ @o", "apps", "", "gitignore: with a slash at the end only directories are matched"),
    ("/docs/ @d", "docs/x/y.md", "@d", "in the root of your repository and any of its subdirectories"),
    ("/docs/ @d", "x/docs/y.md", "", "in the root of your repository"),
    ("/scripts/ @d @o", "scripts/x.sh", "@d @o", "requires approval from @doctocat or @octocat"),
    ("**/logs @o", "build/logs/x", "@o", "any file in a /logs directory such as /build/logs"),
    ("**/logs @o", "logs/x", "@o", "gitignore: leading asterisks match in all directories"),
    ("**/logs @o", "deeply/nested/logs/x", "@o", "and /deeply/nested/logs"),
    ("**/logs @o", "deeply/nested/blogs/x", "", "a directory of another name"),
    ("/apps/ @o\n/apps/github", "apps/x.py", "@o", "any file in the /apps directory"),
    ("/apps/ @o\n/apps/github", "apps/github/x.py", "", "except for /apps/github, as its owners are left empty"),
    ("/apps/ @o\n/apps/github @d", "apps/github/x.py", "@d", "as this subdirectory has its own owner"),
    ("/apps/ @o\n/apps/github @d", "apps/githubs/x.py", "@o", "a directory whose name begins alike"),
    ("/Docs/ @d", "docs/x.md", "", "CODEOWNERS paths are case sensitive"),
    ("/a\\ b/ @d", "a b/x.md", "@d", "a space in a path is escaped"),
    ("a/**/b @d", "a/b", "@d", "gitignore: a/**/b matches a/b, a/x/b, a/x/y/b"),
    ("a/**/b @d", "a/x/y/b", "@d", "gitignore: a/**/b matches a/b, a/x/b, a/x/y/b"),
    ("a/** @d", "a/x/y", "@d", "gitignore: abc/** matches all files inside"),
    ("a/** @d", "b/a/x", "", "gitignore: relative to the location of the file"),
    ("a/*/b @d", "a/x/b", "@d", "gitignore: an asterisk matches anything except a slash"),
    ("a/*/b @d", "a/x/y/b", "", "gitignore: an asterisk matches anything except a slash"),
    ("a?c.py @d", "x/abc.py", "@d", "gitignore: ? matches any one character except a slash"),
    ("/a?c.py @d", "a/c.py", "", "gitignore: ? matches any one character except a slash"),
    ("foo**bar @d", "foo-bar", "@d", "gitignore: other consecutive asterisks are regular asterisks"),
    ("{a,b}.py @d", "{a,b}.py", "@d", "gitignore: braces mean nothing"),
    ("{a,b}.py @d", "a.py", "", "gitignore: braces mean nothing"),
    ("/größe/ @d", "größe/x.py", "@d", "not only ASCII"),
    ("models @d", "x/models/y.py", "@d", "gitignore: a name matches a file or a directory"),
    ("models @d", "x/models", "@d", "gitignore: a name matches a file or a directory"),
];

/// From "Syntax of CODEOWNERS file" and "Advanced CODEOWNERS configuration" of GitLab's documentation.
#[rustfmt::skip]
const GITLAB: &[Case] = &[
    ("* @d", "a/.b/c", "@d", "a default Code Owner for all files"),
    ("README.md @doc-team @tech-lead", "README.md", "@doc-team @tech-lead", "multiple Code Owners to a specific file"),
    ("LICENSE @legal legal@example.com", "LICENSE", "@legal legal@example.com", "usernames or email addresses"),
    ("README @group @group/with-nested/subgroup", "README", "@group @group/with-nested/subgroup", "nested groups"),
    ("/config/ @@maintainer", "config/a.rb", "@@maintainer", "assign a role as a Code Owner"),
    ("file.md @@developers @@nobody @a", "file.md", "@@developers @a", "plural roles are accepted, only three exist"),
    ("/README.md @a", "README.md", "@a", "matches only README.md in the root"),
    ("/README.md @a", "docs/README.md", "", "matches only README.md in the root"),
    ("README.md @a", "app/lib/README.md", "@a", "paths without a leading / are treated as globstar paths"),
    ("internal/README.md @a", "docs/api/internal/README.md", "@a", "matches /docs/api/internal/README.md"),
    ("internal/README.md @a", "internal/README.md", "@a", "matches /internal/README.md"),
    ("/docs/ @a", "docs/x/y.md", "@a", "all files in /docs/ and its subdirectories"),
    ("/docs/ @a", "x/docs/y.md", "", "paths starting with / match from the repository root"),
    ("lib/ @lib", "x/lib/y.rb", "@lib", "a lib directory nested anywhere in the repository"),
    ("/docs @a", "docs/x.md", "", "File::fnmatch matches the whole path; end a path with / to match all files"),
    ("/docs/*.md @a", "docs/x.md", "@a", "any markdown files in the docs directory"),
    ("/docs/*.md @a", "docs/x/y.md", "", "FNM_PATHNAME prevents * from matching /"),
    ("/docs/index.* @a", "docs/index.html", "@a", "/docs/index file of any filetype"),
    ("/docs/*spec* @a", "docs/qa_specs.rb", "@a", "any file in the docs directory with spec in the name"),
    ("/docs/*/README.md @a", "docs/api/README.md", "@a", "README.md files one level deep"),
    ("/docs/*/README.md @a", "docs/README.md", "", "README.md files one level deep"),
    ("/docs/**/index.md @a", "docs/index.md", "@a", "/docs/index.md, /docs/api/index.md"),
    ("/docs/**/index.md @a", "docs/api/graphql/index.md", "@a", "and /docs/api/graphql/index.md"),
    ("/docs/** @a", "docs/x.md", "@a", "File::fnmatch: ** without a slash is *"),
    ("/docs/** @a", "docs/x/y.md", "", "File::fnmatch: ** without a slash is *"),
    ("**/*.rb @r", "config/database.rb", "@r", "**/*.rb matches config/database.rb"),
    ("* @a", ".gitignore", "@a", "FNM_DOTMATCH allows * to match dotfiles"),
    ("\\#file_with_pound.rb @p", "#file_with_pound.rb", "@p", "escaping the pound sign"),
    ("path\\ with\\ spaces/*.md @o", "path with spaces/x.md", "@o", "escape whitespace in paths with backslashes"),
    ("/[ab].rb @o", "a.rb", "@o", "File::fnmatch: [ ] is a set of characters"),
    ("/[!ab].rb @o", "a.rb", "", "File::fnmatch: ! at its front turns it round"),
    ("/[!]ab].rb @o", "c.rb", "@o", "File::fnmatch: a bracket at the front of a set is one of it"),
    ("/a[!b]c @o", "a/c", "", "File::fnmatch: a set does not match /, with FNM_PATHNAME"),
    ("/{a,b}.rb @o", "a.rb", "", "File::fnmatch: braces mean nothing without FNM_EXTGLOB"),
    ("*.md @doc\nterms.md @legal", "terms.md", "@legal", "the users from the last pattern matching are used"),
    (README, "README.md", "@admin @user1 @user2 @user3", "each section enforces its rules separately"),
    (README, "internal/README.md", "@admin @user4 @user3", "only the last line in the section is kept"),
    (README, "x.py", "@admin", "from the unnamed section"),
    (DEFAULTS, "docs/x.md", "@docs-team", "default owners are applied when specific owners are not specified"),
    (DEFAULTS, "model/db/x.rb", "@database-team @database-lead", "own all items in the Database section"),
    (DEFAULTS, "config/db/database-setup.md", "@docs-team", "specific owners override default owners"),
    (REGULAR, "model/db/CHANGELOG.txt", "@general-approvers @docs-team @database-team", "three approvals"),
    ("^[Go]\n*.go @root", "a.go", "@root", "^ makes a section optional"),
    ("[Documentation][2] @docs-team\ndocs/", "docs/x", "@docs-team", "default owners and required approvals"),
    (TWICE, "README.md", "@database @docs", "sections with the same name are combined, whatever their case"),
    (TWICE, "docs/README.md", "@docs @database", "in a combined section, too, the last line counts"),
    (EXCLUDED, "pom.xml", "", "except pom.xml which needs no approval"),
    (EXCLUDED, "config/x.rb", "@username", "exclusions apply in their section"),
    (EXCLUDED, "app/x.rb", "@username @ruby-team", "the exclusion only affects Ruby files in the config directory"),
    ("* @d\n!*.rb\n/special/*.rb @ruby", "special/x.rb", "", "after a pattern is excluded, it cannot be included again"),
    ("* @d\n!**/generated/", "x/generated/y.py", "", "any files in generated directories"),
    ("/path/* @group user_without_at_symbol @u", "path/x", "@group @u", "malformed owners are invalid and ignored"),
    ("*.md @a  # see @b", "x.md", "@a @b", "Code Owners listed in a comment are parsed"),
];

const README: &str = "* @admin\n\n[README Owners]\nREADME.md @user1 @user2\ninternal/README.md @user4\n\n\
                      [README other owners]\nREADME.md @user3";
const DEFAULTS: &str = "[Documentation] @docs-team\ndocs/\nREADME.md\n\n[Database] @database-team @database-lead\nmodel/db/\n\
                        config/db/database-setup.md @docs-team";
const REGULAR: &str = "* @general-approvers\n\n[Documentation] @docs-team\ndocs/\nREADME.md\n*.txt\n\n\
                       [Database] @database-team\nmodel/db/\nconfig/db/database-setup.md @docs-team";
const TWICE: &str = "[Documentation]\nee/docs/ @docs\ndocs/ @docs\n\n[Database]\nREADME.md @database\nmodel/db/ @database\n\n\
                     [DOCUMENTATION]\nREADME.md @docs";
const EXCLUDED: &str = "* @username\n!pom.xml\n\n[Ruby]\n*.rb @ruby-team\n!/config/**/*.rb";

fn table(text: &str, dialect: Dialect) -> Owners {
    let (owners, errors) = Owners::parse(text, dialect).expect("the patterns are few");
    assert_eq!(errors, [], "{text}");
    owners
}

fn check(cases: &[Case], dialect: Dialect) {
    for (text, path, expected, why) in cases {
        let owners = table(text, dialect);
        let mut found = owners.of(path);
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        // The documents give sets.
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{path} of\n{text}\n{why}");
    }
}

#[test]
fn github_gives_the_owners_that_it_documents() {
    check(GITHUB, Dialect::Github);
}

#[test]
fn gitlab_gives_the_owners_that_it_documents() {
    check(GITLAB, Dialect::Gitlab);
}

#[test]
fn owners_are_told_in_the_order_of_the_file_and_once() {
    let owners = table("* @z @a\n[S]\n*.py @b @z", Dialect::Gitlab);
    assert_eq!(owners.of("x.py"), ["@z", "@a", "@b"]);
    assert_eq!(owners.names().into_iter().collect::<Vec<_>>(), ["@a", "@b", "@z"]);
}

#[test]
fn line_ends_byte_order_marks_and_tabs_do_not_matter() {
    for dialect in [Dialect::Github, Dialect::Gitlab] {
        let owners = table(
            "\u{feff}*.py\t@a  @b\r\n\r\n  # no rule\r\n  /x/ @c \r\n",
            dialect,
        );
        assert_eq!(owners.of("a.py"), ["@a", "@b"]);
        assert_eq!(owners.of("x/a.py"), ["@c"]);
    }
}

/// A line that is refused, the column, a part of the message, and the owners of `x.py` without the line.
fn refuses(dialect: Dialect, line: &str, column: usize, part: &str) {
    let text = format!("* @before\n{line}\n");
    let (owners, errors) = Owners::parse(&text, dialect).expect("the patterns are few");
    let [error] = errors.as_slice() else {
        panic!("`{line}` gives {errors:?}");
    };
    assert_eq!((error.line, error.column), (2, column), "`{line}`: {error}");
    assert!(error.message.contains(part), "`{line}`: {error}");
    assert_eq!(owners.of("unlike"), ["@before"], "`{line}`");
}

#[test]
fn lines_that_github_does_not_take_are_told_with_their_place() {
    let check = |line, column, part| refuses(Dialect::Github, line, column, part);
    check("!x.py @a", 1, "cannot begin with `!`");
    check("  x[ab].py @a", 3, "cannot have `[ ]`");
    check("\\#x.py @a", 1, "begins with `#`");
    check("[Section] @a", 1, "codeowners = \"gitlab\"");
    check("^[Section]", 1, "GitHub has no sections");
    check("x.py @a word", 9, "`word` is no owner");
    check("größe.py é @a", 10, "`é` is no owner");
    check("a folder/ @a", 3, "`\\` stands before a space");
    check("x.py @a/b/c", 6, "is no owner");
    check("x.py @", 6, "is no owner");
    check("x.py @@developer", 6, "is no owner");
    check("x.py @a, @b", 6, "`@a,` is no owner");
    check("/ @a", 1, "matches no file");
}

#[test]
fn lines_that_gitlab_does_not_take_are_told_with_their_place() {
    let check = |line, column, part| refuses(Dialect::Gitlab, line, column, part);
    check("x.py", 1, "nobody owns this");
    check("a folder/*.md word", 3, "`folder/*.md` is no owner");
    check("x.py @@guest", 6, "`@@guest` is no owner");
    check("[Section name", 1, "no heading");
    check("[ ] @a", 1, "needs a name");
    check("/[z-a].py @a", 1, "invalid range");
}

#[test]
fn tables_have_the_patterns_of_github() {
    let owners = ["@a".to_owned(), "@b".to_owned()];
    let entries = [
        ("*", &owners[..]),
        ("/web page/", &owners[1..]),
        ("/web page/x.py", &[]),
    ];
    let table = Owners::of_table(entries).expect("the patterns are some");
    assert_eq!(table.of("x.py"), ["@a", "@b"]);
    assert_eq!(table.of("web page/y.py"), ["@b"]);
    assert_eq!(table.of("web page/x.py"), [""; 0]);
    assert!(Owners::check_pattern("a[b]").is_err());
    assert!(Owners::check_pattern("!a").is_err());
    assert!(Owners::check_pattern("").is_err());
}

#[test]
fn odd_texts_are_read_all_the_same() {
    for text in [
        "\\", "* \\", "[", "^", "]", "[[[", "a\\", "!", "**", "/**/", "//", "a//b @a", "[]]", "@", "\u{0}",
    ] {
        for dialect in [Dialect::Github, Dialect::Gitlab] {
            let (owners, _) = Owners::parse(text, dialect).expect("the patterns are few");
            assert!(owners.of("a/b.py").len() < 2, "{text}");
        }
    }
}

#[test]
fn a_file_of_many_lines_is_one_table() {
    let lines = (0..SET + 2).map(|number| format!("/folder{number}/ @owner{number}\n"));
    let text = format!("* @all\n{}/folder1/x.py @last\n", lines.collect::<String>());
    let owners = table(&text, Dialect::Github);
    assert_eq!(owners.of("folder1/x.py"), ["@last"]);
    assert_eq!(owners.of("folder1/y.py"), ["@owner1"]);
    assert_eq!(
        owners.of(&format!("folder{}/y.py", SET + 1)),
        [format!("@owner{}", SET + 1)]
    );
    assert_eq!(owners.of("y.py"), ["@all"]);
}

#[test]
fn headings_are_told_from_patterns() {
    assert!(has_sections("* @a\n ^[Docs][2] @b\n"));
    assert!(!has_sections("[ab].py @a\n[ab]* @a\n# [Docs]\n[Docs"));
}
