//! One line per finding: `path:line:col: rule-id: headline [confidence] owner: …`, which editors and `grep` understand.

use std::io;

use crate::{Context, printable, story, summary};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &cx.outcome.findings {
        let place = cx.positions.place(finding.primary);
        let owners = story::owners(finding).map_or_else(String::new, |owners| format!(" {owners}"));
        writeln!(
            out,
            "{}:{}:{}: {}: {} [{}]{}",
            printable::line(place.path),
            place.line,
            place.column,
            finding.rule,
            printable::line(&finding.message),
            finding.confidence.id(),
            printable::line(&owners),
        )?;
    }
    summary::render(cx, out)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    #[test]
    fn one_line_per_finding() {
        let project = Project::shop();
        let mut odd = project.write_in_loop();
        odd.message = "two\nlines".into();
        let outcome = project.outcome(vec![project.lazy_relation(), odd]);
        insta::assert_snapshot!(bytes(Format::Concise, &outcome, Options::default()), @"
        shop/views.py:5:9: lazy-relation-in-loop: `book.author` runs one query per element of `books` [proven]
        shop/views.py:6:9: write-in-loop: two lines [likely]
        2 findings in 14 files (lazy-relation-in-loop 1, write-in-loop 1). 1.23 s
        ");
    }

    #[test]
    fn owners_end_the_line() {
        let project = Project::shop();
        let outcome = project.outcome(project.owned());
        insta::assert_snapshot!(bytes(Format::Concise, &outcome, Options::default()), @"
        shop/views.py:5:9: lazy-relation-in-loop: `book.author` runs one query per element of `books` [proven] owner: @org/shop; passes through code of @text, é@example.org
        shop/views.py:6:9: write-in-loop: `book.save()` writes once per element of `books` [likely] owners: @org/shop, @data
        shop/text.py:1:1: write-in-loop: writes once per element [proven] owner: none
        3 findings in 14 files (write-in-loop 2, lazy-relation-in-loop 1). 1.23 s
        ");
    }
}
