//! One HTML file for people, which needs nothing else: each finding is drawn as its chain, with the source of every step.
//!
//! Reports are often built from code that nobody has reviewed yet, so the page allows no style and no script but its
//! own, by their hashes, and loads nothing. Without scripts, which some services that show reports forbid, all but the
//! filters works.

use std::borrow::Cow;
use std::fmt;
use std::io;

use onequery_core::{Confidence, Finding, Location, Step, StepRole, Trend, UNOWNED};
use quick_xml::escape::escape;

use crate::phrase::{Piece, pieces};
use crate::position::PerFile;
use crate::printable::truncated;
use crate::summary::{ByOwner, counts, most_frequent_first};
use crate::unique::Unique;
use crate::why::five_whys;
use crate::{Context, TOOL, printable, story, worst_first};

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
/// A test tells the new one when the file changes.
const STYLE_HASH: &str = "sha256-VXBiHS49epTxGlVnoTJYa5xfV2P1013mG1H7NxnM4+4=";
const SCRIPT_HASH: &str = "sha256-U5nXXuaN8Ez2K9XoRfXg0EFeUS1r0onC4YvagLuDLmU=";

/// Lines that are shown before and after the one of a step.
const CONTEXT: u32 = 1;
/// Characters of a line that are shown before a step's span, in it, and after it; generated code has endless lines.
const MAX_AROUND: usize = 200;
/// As many findings are unfolded at first; more of them are easier to look through as a list.
const MAX_OPEN: usize = 20;

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let page = Page {
        cx,
        shown: PerFile::new(cx.outcome.sources),
    };
    page.head(out)?;
    page.summary(out)?;
    page.failures(out)?;
    page.findings(out)?;
    writeln!(
        out,
        "</main>\n<footer>{TOOL} {version}</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>",
        version = Text(cx.outcome.version),
    )
}

struct Page<'a> {
    cx: &'a Context<'a>,
    shown: PerFile<Cow<'a, str>>,
}

impl Page<'_> {
    fn head(&self, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(
            out,
            "<!DOCTYPE html>\n\
             <html lang=\"en\">\n\
             <head>\n\
             <meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{STYLE_HASH}'; \
             script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{TOOL} report</title>\n\
             <style>{STYLE}</style>\n\
             </head>\n\
             <body>\n\
             <header>\n\
             <h1>{TOOL} report</h1>\n\
             <p class=\"counts\">{counts}.</p>",
            counts = Text(&counts(self.cx.outcome)),
        )
    }

    fn summary(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let outcome = self.cx.outcome;
        let sure = |confidence| {
            let findings = outcome.findings.iter();
            findings
                .filter(|finding| finding.confidence == confidence)
                .count()
        };
        let tiles = [
            ("Findings", outcome.findings.len()),
            ("Proven", sure(Confidence::Proven)),
            ("Likely", sure(Confidence::Likely)),
            ("Files checked", outcome.stats.files),
            ("Lines", outcome.stats.lines),
        ];
        writeln!(out, "<dl class=\"tiles\">")?;
        for (name, n) in tiles {
            writeln!(out, "<div><dt>{name}</dt><dd>{n}</dd></div>")?;
        }
        writeln!(out, "</dl>")?;
        for trend in outcome.trends.iter().filter(|trend| trend.debts.len() > 1) {
            draw(trend, out)?;
        }
        writeln!(out, "</header>\n<main>")?;
        let rules = most_frequent_first(outcome);
        if rules.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h2>Rules</h2>\n<div class=\"table\"><table>\n\
             <thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Finds that</th>\
             <th scope=\"col\" class=\"number\">Findings</th></tr></thead>\n<tbody>"
        )?;
        for (rule, n) in rules {
            let info = outcome.rules.iter().find(|info| info.id == rule);
            writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td class=\"number\">{n}</td></tr>",
                Text(rule),
                Phrase(info.map_or("", |info| info.summary)),
            )?;
        }
        writeln!(out, "</tbody>\n</table></div>")?;
        self.owners(out)
    }

    /// Whom the findings concern, if that is known.
    fn owners(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let Some(owners) = ByOwner::of(&self.cx.outcome.findings) else {
            return Ok(());
        };
        writeln!(
            out,
            "<h2>Owners</h2>\n<div class=\"table\"><table>\n\
             <thead><tr><th scope=\"col\">Owner</th>\
             <th scope=\"col\" class=\"number\">Findings</th></tr></thead>\n<tbody>"
        )?;
        for (owner, n) in owners.most_asked_first() {
            writeln!(
                out,
                "<tr><td>{}</td><td class=\"number\">{n}</td></tr>",
                Text(owner)
            )?;
        }
        writeln!(out, "</tbody>\n</table></div>")
    }

    fn failures(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.cx.failures().next().is_none() {
            return Ok(());
        }
        writeln!(out, "<h2>Could not be analysed</h2>\n<ul class=\"failures\">")?;
        for (location, problem) in self.cx.failures() {
            writeln!(
                out,
                "<li><code>{}</code>: {}: {}</li>",
                Text(self.cx.positions.path(location.file)),
                problem.kind.id(),
                Phrase(&problem.message),
            )?;
        }
        writeln!(out, "</ul>")
    }

    fn findings(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let findings = worst_first(self.cx.outcome);
        writeln!(out, "<h2>Findings</h2>")?;
        if findings.is_empty() {
            return writeln!(out, "<p class=\"none\">Nothing was found.</p>");
        }
        self.filters(&findings, out)?;
        let open = if findings.len() > MAX_OPEN { "" } else { " open" };
        let mut ids = Unique::default();
        for finding in findings {
            let id = ids.name(format!("f-{}", finding.fingerprint));
            self.finding(finding, &id, open, out)?;
        }
        writeln!(
            out,
            "<p class=\"none\" id=\"none\" hidden>No finding fits the filters.</p>"
        )
    }

    /// Hidden until the script shows them, since without it they would do nothing.
    fn filters(&self, findings: &[&Finding], out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(
            out,
            "<form class=\"filters\" id=\"filters\" aria-label=\"Filter the findings\" hidden>\n\
             <label>Rule <select name=\"rule\"><option value=\"\">All</option>"
        )?;
        for (rule, _) in most_frequent_first(self.cx.outcome) {
            writeln!(out, "<option>{}</option>", Text(rule))?;
        }
        writeln!(
            out,
            "</select></label>\n\
             <label>Confidence <select name=\"confidence\"><option value=\"\">All</option>"
        )?;
        for confidence in [Confidence::Proven, Confidence::Likely, Confidence::Possible] {
            if findings.iter().any(|finding| finding.confidence == confidence) {
                writeln!(out, "<option>{}</option>", confidence.id())?;
            }
        }
        if let Some(owners) = ByOwner::of(&self.cx.outcome.findings) {
            writeln!(
                out,
                "</select></label>\n\
                 <label>Owner <select name=\"owner\"><option value=\"\">All</option>"
            )?;
            for (owner, _) in owners.most_asked_first() {
                writeln!(out, "<option>{}</option>", Text(owner))?;
            }
        }
        writeln!(
            out,
            "</select></label>\n\
             <label class=\"path\">Path <input name=\"path\" type=\"search\" placeholder=\"part of a path\" \
             autocomplete=\"off\" spellcheck=\"false\"></label>\n\
             <button type=\"reset\">Reset</button>\n\
             <button type=\"button\" id=\"open\">Unfold all</button>\n\
             <button type=\"button\" id=\"close\">Fold all</button>\n\
             <output id=\"shown\" aria-live=\"polite\"></output>\n\
             </form>"
        )
    }

    fn finding(&self, finding: &Finding, id: &str, open: &str, out: &mut dyn io::Write) -> io::Result<()> {
        let place = self.cx.positions.place(finding.primary);
        let asked = finding
            .owners
            .as_ref()
            .map(|owners| match owners.asked.as_slice() {
                [] => UNOWNED.to_owned(),
                asked => asked.join(" "),
            });
        let (data, fact) = asked.map_or_else(Default::default, |asked| {
            let asked = Text(&asked);
            (
                format!(" data-owners=\"{asked}\""),
                format!("<span>{asked}</span>"),
            )
        });
        writeln!(
            out,
            "<details class=\"finding\" id=\"{id}\" data-rule=\"{rule}\" data-confidence=\"{confidence}\" \
             data-path=\"{path}\"{data}{open}>\n\
             <summary><h3>{message}</h3>\n\
             <span class=\"facts\"><span class=\"severity {severity}\">{severity}</span>\
             <span>{rule}</span><span>{confidence}</span>{fact}\
             <code class=\"place\">{path}:{line}:{column}</code></span></summary>\n\
             <div class=\"told\">\n\
             <ol class=\"chain\" role=\"list\">",
            rule = Text(finding.rule),
            confidence = finding.confidence.id(),
            path = Text(place.path),
            message = Phrase(&finding.message),
            severity = finding.severity.id(),
            line = place.line,
            column = place.column,
        )?;
        for step in &finding.steps {
            self.step(step, out)?;
        }
        writeln!(out, "</ol>")?;
        if let Some(help) = &finding.help {
            writeln!(
                out,
                "<p class=\"remedy\"><strong>Remedy:</strong> {}</p>",
                Phrase(help)
            )?;
        }
        self.whys(finding, out)?;
        let involved = finding.owners.iter().flat_map(|owners| &owners.involved);
        let involved: Vec<&str> = involved.map(String::as_str).collect();
        if !involved.is_empty() {
            writeln!(
                out,
                "<p class=\"print\">Passes through code of {}</p>",
                Text(&involved.join(", "))
            )?;
        }
        if let Some(told) = story::reinstated(finding) {
            writeln!(out, "<p>{}</p>", Phrase(&told))?;
        }
        write!(
            out,
            "<p class=\"print\">Fingerprint <a href=\"#{id}\"><code>{}</code></a>",
            finding.fingerprint
        )?;
        if !finding.scope.is_empty() {
            write!(out, " in <code>{}</code>", Text(&finding.scope))?;
        }
        writeln!(out, "</p>\n</div>\n</details>")
    }

    /// The chain once more, as questions and answers; folded, since it is for those who want the whole story.
    fn whys(&self, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
        let mut rules = self.cx.outcome.rules.iter();
        let rule = rules.find(|rule| rule.id == finding.rule);
        let Some(rule) = rule.filter(|_| !finding.steps.is_empty()) else {
            return Ok(());
        };
        writeln!(out, "<details class=\"whys\"><summary>Why?</summary>\n<dl>")?;
        for why in five_whys(finding, rule, None) {
            writeln!(out, "<dt>{}</dt>", Text(why.question))?;
            for answer in why.answers {
                write!(out, "<dd>{}", Phrase(&answer.text))?;
                if let Some(location) = answer.location {
                    let place = self.cx.positions.place(location);
                    write!(
                        out,
                        " <code class=\"at\">{}:{}</code>",
                        Text(place.path),
                        place.line
                    )?;
                }
                writeln!(out, "</dd>")?;
            }
        }
        writeln!(out, "</dl>\n</details>")
    }

    fn step(&self, step: &Step, out: &mut dyn io::Write) -> io::Result<()> {
        let place = self.cx.positions.place(step.location);
        let role = match step.role {
            StepRole::Origin => "Rows",
            StepRole::Loop => "Loop",
            StepRole::Call => "Call",
            StepRole::Query => "Query",
            StepRole::Load => "Load",
        };
        writeln!(
            out,
            "<li class=\"step {class}\"><div class=\"what\"><span class=\"role\">{role}</span> \
             <span>{message}</span> <code class=\"at\">{path}:{line}</code></div>",
            class = step.role.id(),
            message = Phrase(&step.message),
            path = Text(place.path),
            line = place.line,
        )?;
        self.excerpt(step.location, out)?;
        writeln!(out, "</li>")
    }

    /// The lines around the first line of a location, in which the location is marked.
    fn excerpt(&self, location: Location, out: &mut dyn io::Write) -> io::Result<()> {
        let positions = &self.cx.positions;
        let Location { file, span } = positions.first_line(location);
        let text = self.shown.get(file, || printable::source(positions.text(file)));
        if text.is_empty() {
            return Ok(());
        }
        let marked = positions.place(location).line;
        write!(out, "<pre><code>")?;
        for number in marked.saturating_sub(CONTEXT).max(1)..=marked.saturating_add(CONTEXT) {
            let Some(line) = positions.line(file, number) else {
                break;
            };
            // What follows the last line break is no line.
            if line.start == text.len() && number > marked {
                break;
            }
            write!(out, "<i>{number}</i>")?;
            if number == marked {
                let (start, end) = (span.start as usize, span.end as usize);
                write!(
                    out,
                    "{}<mark>{}</mark>{}",
                    Source(&tail(&text[line.start..start])),
                    Source(&truncated(text[start..end].to_owned(), MAX_AROUND)),
                    Source(&truncated(text[end..line.end.max(end)].to_owned(), MAX_AROUND)),
                )?;
            } else {
                write!(out, "{}", Source(&truncated(text[line].to_owned(), MAX_AROUND)))?;
            }
            writeln!(out)?;
        }
        writeln!(out, "</code></pre>")
    }
}

/// The text itself, or its end with three dots when it is long.
fn tail(text: &str) -> Cow<'_, str> {
    match text.char_indices().rev().nth(MAX_AROUND) {
        Some((at, c)) => Cow::Owned(format!("...{}", &text[at + c.len_utf8()..])),
        None => Cow::Borrowed(text),
    }
}

/// One line of plain text, for elements and attributes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(printable::line(self.0)))
    }
}

/// A part of a line of source.
struct Source<'a>(&'a str);

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A browser would count the line's number in when it looks for the next tab stop.
        f.write_str(&escape(self.0).replace('\t', "    "))
    }
}

/// A phrase of ours with its code in code elements.
struct Phrase<'a>(&'a str);

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in pieces(self.0) {
            match piece {
                Piece::Words(text) => write!(f, "{}", Text(text))?,
                Piece::Code(text) => write!(f, "<code>{}</code>", Text(text))?,
            }
        }
        Ok(())
    }
}

/// A line of what a service had put off, from the oldest number on the left.
fn draw(trend: &Trend, out: &mut dyn io::Write) -> io::Result<()> {
    const WIDTH: u64 = 240;
    const HEIGHT: u64 = 48;
    let most = trend.debts.iter().copied().max().unwrap_or_default().max(1);
    let steps = u64::try_from(trend.debts.len().saturating_sub(1))
        .unwrap_or(u64::MAX)
        .max(1);
    let points: Vec<String> = (0..)
        .zip(&trend.debts)
        .map(|(n, debt)| {
            let height = u128::from(HEIGHT) * u128::from(*debt) / u128::from(most);
            format!("{},{}", WIDTH * n / steps, u128::from(HEIGHT) - height)
        })
        .collect();
    let [Some(first), Some(last)] = [trend.debts.first(), trend.debts.last()] else {
        return Ok(());
    };
    writeln!(
        out,
        "<figure>\n<svg viewBox=\"-2 -2 {} {}\" width=\"{WIDTH}\" role=\"img\" aria-label=\"from {first} to {last}\">\
         <polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" points=\"{}\"/></svg>\n\
         <figcaption>Debt of <code>{}</code>: {first}, now {last}</figcaption>\n</figure>",
        WIDTH + 4,
        HEIGHT + 4,
        points.join(" "),
        Text(&trend.service)
    )
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use onequery_core::Severity;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn html(project: &Project, findings: Vec<Finding>) -> String {
        bytes(Format::Html, &project.outcome(findings), Options::default())
    }

    /// The part of a page from a text to another.
    fn part<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
        let start = page.find(from).expect("the part begins");
        let end = page[start..].find(to).expect("the part ends");
        &page[start..start + end + to.len()]
    }

    #[test]
    fn the_policy_allows_the_style_and_the_script_and_nothing_else() {
        let hash = |text: &str| {
            let digest = Sha256::digest(text);
            format!(
                "sha256-{}",
                base64::engine::general_purpose::STANDARD.encode(digest)
            )
        };
        assert_eq!(STYLE_HASH, hash(STYLE));
        assert_eq!(SCRIPT_HASH, hash(SCRIPT));
        let page = html(&Project::shop(), vec![Project::shop().lazy_relation()]);
        assert!(page.contains("default-src 'none'"), "{page}");
        assert_eq!(page.matches("<style").count(), 1);
        assert_eq!(page.matches("<script").count(), 1);
        // Attributes like these would be refused.
        assert!(!page.contains(" style=") && !page.contains(" onclick="), "{page}");
    }

    #[test]
    fn a_finding_is_a_chain_of_excerpts() {
        let project = Project::shop();
        let page = html(&project, vec![project.lazy_relation()]);
        insta::assert_snapshot!(part(&page, "<details", "</div>\n</details>"), @r##"
        <details class="finding" id="f-00000000000000ab" data-rule="lazy-relation-in-loop" data-confidence="proven" data-path="shop/views.py" open>
        <summary><h3><code>book.author</code> runs one query per element of <code>books</code></h3>
        <span class="facts"><span class="severity warning">warning</span><span>lazy-relation-in-loop</span><span>proven</span><code class="place">shop/views.py:5:9</code></span></summary>
        <div class="told">
        <ol class="chain" role="list">
        <li class="step origin"><div class="what"><span class="role">Rows</span> <span>rows come from here</span> <code class="at">shop/views.py:2</code></div>
        <pre><code><i>1</i>def overview():
        <i>2</i>    books = <mark>Book.objects.filter(live=True)</mark>
        <i>3</i>    # Each with its author.
        </code></pre>
        </li>
        <li class="step loop"><div class="what"><span class="role">Loop</span> <span>repeats per row</span> <code class="at">shop/views.py:4</code></div>
        <pre><code><i>3</i>    # Each with its author.
        <i>4</i>    <mark>for book in books</mark>:
        <i>5</i>        label(book)
        </code></pre>
        </li>
        <li class="step call"><div class="what"><span class="role">Call</span> <span>calls <code>label</code></span> <code class="at">shop/views.py:5</code></div>
        <pre><code><i>4</i>    for book in books:
        <i>5</i>        <mark>label(book)</mark>
        <i>6</i>        book.save()
        </code></pre>
        </li>
        <li class="step load"><div class="what"><span class="role">Load</span> <span>loads relation <code>author</code></span> <code class="at">shop/text.py:2</code></div>
        <pre><code><i>1</i>def label(book):
        <i>2</i>    return <mark>book.author</mark>.name
        </code></pre>
        </li>
        </ol>
        <p class="remedy"><strong>Remedy:</strong> add <code>.select_related(&quot;author&quot;)</code> to the query at shop/views.py:2</p>
        <details class="whys"><summary>Why?</summary>
        <dl>
        <dt>Why is it slow?</dt>
        <dd>each element costs one more statement: 100 of them are 100 round trips to the database <code class="at">shop/text.py:2</code></dd>
        <dd>no entry point is known that leads here</dd>
        <dt>Why does it repeat?</dt>
        <dd>rows come from here <code class="at">shop/views.py:2</code></dd>
        <dd>repeats per row <code class="at">shop/views.py:4</code></dd>
        <dt>Why is the query there?</dt>
        <dd>calls <code>label</code> <code class="at">shop/views.py:5</code></dd>
        <dd>loads relation <code>author</code> <code class="at">shop/text.py:2</code></dd>
        <dt>Why is it not done at once?</dt>
        <dd>nobody looked <code class="at">shop/views.py:2</code></dd>
        <dt>Why was it not caught?</dt>
        <dd>this check takes it for new</dd>
        </dl>
        </details>
        <p class="print">Fingerprint <a href="#f-00000000000000ab"><code>00000000000000ab</code></a> in <code>overview</code></p>
        </div>
        </details>
        "##);
    }

    #[test]
    fn findings_are_counted_by_rule() {
        let project = Project::shop();
        let page = html(&project, vec![project.lazy_relation(), project.write_in_loop()]);
        insta::assert_snapshot!(part(&page, "<tbody>", "</tbody>"), @r#"
        <tbody>
        <tr><td><code>lazy-relation-in-loop</code></td><td>a relation is loaded once per element</td><td class="number">1</td></tr>
        <tr><td><code>write-in-loop</code></td><td>rows are written one by one</td><td class="number">1</td></tr>
        </tbody>
        "#);
        assert!(page.contains("<div><dt>Likely</dt><dd>1</dd></div>"), "{page}");
    }

    #[test]
    fn a_clean_run_says_so() {
        let page = html(&Project::shop(), vec![]);
        assert!(
            page.contains("<p class=\"none\">Nothing was found.</p>"),
            "{page}"
        );
        assert!(!page.contains("<form"), "{page}");
    }

    #[test]
    fn analysed_code_is_text() {
        let source = "\ta = '\u{1F600}</pre><script>' # & \x1b[31m\u{202e}\r\nb.save('`]]>')\r\n";
        let project = Project::new(&[("<\"é'>.py", source)]);
        let mut finding = project.finding_at(0, 0);
        finding.message = "`<img src=x>` & <b> ` odd".into();
        finding.help = Some("use `a<b>(\"c\")` | d".into());
        finding.scope = "<locals>".into();
        finding.steps[0].location = project.at("<\"é'>.py", "</pre>");
        let page = html(&project, vec![finding]);
        insta::assert_snapshot!(part(&page, "<details", "</div>\n</details>"), @r##"
        <details class="finding" id="f-0000000000000001" data-rule="write-in-loop" data-confidence="proven" data-path="&lt;&quot;é&apos;&gt;.py" open>
        <summary><h3><code>`&lt;img src=x&gt;` &amp; &lt;b&gt; ` odd</code></h3>
        <span class="facts"><span class="severity warning">warning</span><span>write-in-loop</span><span>proven</span><code class="place">&lt;&quot;é&apos;&gt;.py:1:1</code></span></summary>
        <div class="told">
        <ol class="chain" role="list">
        <li class="step query"><div class="what"><span class="role">Query</span> <span>writes a row</span> <code class="at">&lt;&quot;é&apos;&gt;.py:1</code></div>
        <pre><code><i>1</i>    a = &apos;😀<mark>&lt;/pre&gt;</mark>&lt;script&gt;&apos; # &amp; ?[31m�
        <i>2</i>b.save(&apos;`]]&gt;&apos;)
        </code></pre>
        </li>
        </ol>
        <p class="remedy"><strong>Remedy:</strong> use <code>a&lt;b&gt;(&quot;c&quot;)</code> | d</p>
        <details class="whys"><summary>Why?</summary>
        <dl>
        <dt>Why is it slow?</dt>
        <dd>each element costs one more statement: 100 of them are 100 round trips to the database <code class="at">&lt;&quot;é&apos;&gt;.py:1</code></dd>
        <dd>no entry point is known that leads here</dd>
        <dt>Why does it repeat?</dt>
        <dt>Why is the query there?</dt>
        <dd>writes a row <code class="at">&lt;&quot;é&apos;&gt;.py:1</code></dd>
        <dt>Why is it not done at once?</dt>
        <dd>nobody looked <code class="at">&lt;&quot;é&apos;&gt;.py:1</code></dd>
        <dt>Why was it not caught?</dt>
        <dd>this check takes it for new</dd>
        </dl>
        </details>
        <p class="print">Fingerprint <a href="#f-0000000000000001"><code>0000000000000001</code></a> in <code>&lt;locals&gt;</code></p>
        </div>
        </details>
        "##);
    }

    #[test]
    fn long_lines_are_cut_around_the_step() {
        let long = format!("{}HERE{}\n", "x".repeat(10_000), "é".repeat(10_000));
        let project = Project::new(&[("a.py", &long)]);
        let mut finding = project.finding_at(0, 0);
        finding.steps[0].location = project.at("a.py", "HERE");
        let page = html(&project, vec![finding]);
        let excerpt = part(&page, "<pre>", "</pre>");
        assert!(excerpt.contains("<i>1</i>...x"), "{excerpt}");
        assert!(excerpt.contains("x<mark>HERE</mark>é"), "{excerpt}");
        assert!(excerpt.contains("é...\n"), "{excerpt}");
        assert!(excerpt.len() < 1_000, "{}", excerpt.len());
    }

    #[test]
    fn many_findings_are_folded_and_have_their_own_ids() {
        let project = Project::shop();
        let mut findings = vec![project.write_in_loop(); MAX_OPEN + 1];
        findings[MAX_OPEN].severity = Severity::Error;
        let page = html(&project, findings);
        assert!(!page.contains("\" open>"), "{page}");
        assert!(page.contains("id=\"f-00000000000000cd\""), "{page}");
        assert!(page.contains("id=\"f-00000000000000cd-21\""), "{page}");
        let first = part(&page, "<details", "</summary>");
        assert!(first.contains("severity error"), "{first}");
    }

    #[test]
    fn what_could_not_be_analysed_is_told() {
        let project = Project::shop();
        let outcome = project.failing();
        let page = bytes(Format::Html, &outcome, Options::default());
        assert!(
            page.contains("<li><code>shop/text.py</code>: unreadable: permission denied</li>"),
            "{page}"
        );
    }

    #[test]
    fn owners_are_counted_and_filtered_by() {
        let project = Project::shop();
        let page = html(&project, project.owned());
        insta::assert_snapshot!(part(&page, "<h2>Owners", "</tbody>"), @r#"
        <h2>Owners</h2>
        <div class="table"><table>
        <thead><tr><th scope="col">Owner</th><th scope="col" class="number">Findings</th></tr></thead>
        <tbody>
        <tr><td>@org/shop</td><td class="number">2</td></tr>
        <tr><td>@data</td><td class="number">1</td></tr>
        <tr><td>unowned</td><td class="number">1</td></tr>
        </tbody>
        "#);
        insta::assert_snapshot!(part(&page, "<label>Owner", "</select>"), @r#"
        <label>Owner <select name="owner"><option value="">All</option>
        <option>@org/shop</option>
        <option>@data</option>
        <option>unowned</option>
        </select>
        "#);
        for owners in ["@org/shop @data", "unowned"] {
            assert!(
                page.contains(&format!(" data-owners=\"{owners}\" open>")),
                "{page}"
            );
        }
        assert!(
            page.contains("<p class=\"print\">Passes through code of @text, é@example.org</p>"),
            "{page}"
        );
        let page = html(&project, vec![project.lazy_relation()]);
        assert!(
            !page.contains("data-owners") && !page.contains("<h2>Owners"),
            "{page}"
        );
    }
}
