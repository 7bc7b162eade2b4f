//! JUnit XML, for what shows test results: a suite per rule, and in it a failed test per finding.
//!
//! There is no standard. What is written here is what the schema of Jenkins' xUnit plugin allows
//! (<https://github.com/jenkinsci/xunit-plugin>, `junit-10.xsd`) and what GitLab reads. Both show the class and the name
//! of a test and compare tests by them from run to run, so the names have no line numbers. A rule without findings is a
//! test that passes: a report without tests is an error for Jenkins.

use std::io;

use onequery_core::{Finding, Location, Problem};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::unique::Unique;
use crate::{Context, TOOL, printable, story};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let suites = suites(cx);
    let mut writer = Writer::new_with_indent(&mut *out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .with_attribute(("name", TOOL))
        .write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(suite, writer)))?;
    writeln!(out)
}

struct Suite {
    name: &'static str,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    verdict: Verdict,
}

enum Verdict {
    Passed,
    /// There is a finding.
    Failed(Told),
    /// Part of the job was left undone.
    Broken(Told),
}

struct Told {
    message: String,
    kind: &'static str,
    text: String,
}

fn suites(cx: &Context<'_>) -> Vec<Suite> {
    let mut names = Unique::default();
    let broken: Vec<Case> = cx
        .failures()
        .map(|(location, problem)| broken(location, problem, cx, &mut names))
        .collect();
    let broken = (!broken.is_empty()).then_some(Suite {
        name: "analysis",
        cases: broken,
    });
    let rules = cx.outcome.rules.iter().map(|rule| {
        let findings = cx.outcome.findings.iter().filter(|it| it.rule == rule.id);
        let mut names = Unique::default();
        let mut cases: Vec<Case> = findings.map(|finding| failed(finding, cx, &mut names)).collect();
        if cases.is_empty() {
            cases.push(Case {
                name: "no findings".into(),
                verdict: Verdict::Passed,
            });
        }
        Suite { name: rule.id, cases }
    });
    broken.into_iter().chain(rules).collect()
}

fn failed(finding: &Finding, cx: &Context<'_>, names: &mut Unique) -> Case {
    let place = cx.positions.place(finding.primary);
    let lines: Vec<String> = std::iter::once(format!("{}:{}:{}", place.path, place.line, place.column))
        .chain(story::lines(finding, &cx.positions))
        .chain([
            format!("confidence: {}", finding.confidence.id()),
            format!("fingerprint: {}", finding.fingerprint),
        ])
        .map(|line| one_line(&line))
        .collect();
    Case {
        name: names.name(one_line(&format!("{}: {}", place.path, finding.message))),
        verdict: Verdict::Failed(Told {
            message: one_line(&finding.message),
            kind: finding.severity.id(),
            text: lines.join("\n"),
        }),
    }
}

fn broken(location: Location, problem: &Problem, cx: &Context<'_>, names: &mut Unique) -> Case {
    let place = cx.positions.place(location);
    Case {
        name: names.name(one_line(&format!("{}: {}", place.path, problem.kind.id()))),
        verdict: Verdict::Broken(Told {
            message: one_line(&problem.message),
            kind: problem.kind.id(),
            text: one_line(&format!("{}:{}:{}", place.path, place.line, place.column)),
        }),
    }
}

/// In XML, too, printable is what can be written.
fn one_line(text: &str) -> String {
    printable::line(text).into_owned()
}

fn write_suite<W: io::Write>(suite: &Suite, writer: &mut Writer<W>) -> io::Result<()> {
    let count = |of: fn(&Verdict) -> bool| {
        let n = suite.cases.iter().filter(|case| of(&case.verdict)).count();
        n.to_string()
    };
    let class = format!("{TOOL}.{}", suite.name);
    writer
        .create_element("testsuite")
        .with_attribute(("name", suite.name))
        .with_attribute(("tests", count(|_| true).as_str()))
        .with_attribute((
            "failures",
            count(|verdict| matches!(verdict, Verdict::Failed(_))).as_str(),
        ))
        .with_attribute((
            "errors",
            count(|verdict| matches!(verdict, Verdict::Broken(_))).as_str(),
        ))
        .write_inner_content(|writer| {
            suite
                .cases
                .iter()
                .try_for_each(|case| write_case(case, &class, writer))
        })?;
    Ok(())
}

fn write_case<W: io::Write>(case: &Case, class: &str, writer: &mut Writer<W>) -> io::Result<()> {
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", class))
        .with_attribute(("name", case.name.as_str()));
    let (verdict, told) = match &case.verdict {
        Verdict::Passed => {
            element.write_empty()?;
            return Ok(());
        }
        Verdict::Failed(told) => ("failure", told),
        Verdict::Broken(told) => ("error", told),
    };
    element.write_inner_content(|writer| {
        writer
            .create_element(verdict)
            .with_attribute(("message", told.message.as_str()))
            .with_attribute(("type", told.kind))
            .write_text_content(BytesText::new(&told.text))?;
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn junit(project: &Project, findings: Vec<Finding>) -> String {
        bytes(Format::Junit, &project.outcome(findings), Options::default())
    }

    #[test]
    fn a_finding_is_a_failed_test_of_its_rule() {
        let project = Project::shop();
        insta::assert_snapshot!(junit(&project, vec![project.lazy_relation()]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="onequery">
          <testsuite name="lazy-relation-in-loop" tests="1" failures="1" errors="0">
            <testcase classname="onequery.lazy-relation-in-loop" name="shop/views.py: `book.author` runs one query per element of `books`">
              <failure message="`book.author` runs one query per element of `books`" type="warning">shop/views.py:5:9
        1: rows come from here (shop/views.py:2)
        2: repeats per row (shop/views.py:4)
        3: calls `label` (shop/views.py:5)
        4: loads relation `author` (shop/text.py:2)
        help: add `.select_related(&quot;author&quot;)` to the query at shop/views.py:2
        confidence: proven
        fingerprint: 00000000000000ab</failure>
            </testcase>
          </testsuite>
          <testsuite name="write-in-loop" tests="1" failures="0" errors="0">
            <testcase classname="onequery.write-in-loop" name="no findings"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn a_clean_run_has_tests_that_pass() {
        let project = Project::shop();
        insta::assert_snapshot!(junit(&project, vec![]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="onequery">
          <testsuite name="lazy-relation-in-loop" tests="1" failures="0" errors="0">
            <testcase classname="onequery.lazy-relation-in-loop" name="no findings"/>
          </testsuite>
          <testsuite name="write-in-loop" tests="1" failures="0" errors="0">
            <testcase classname="onequery.write-in-loop" name="no findings"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn equal_names_are_told_apart() {
        let project = Project::shop();
        let report = junit(&project, vec![project.write_in_loop(); 2]);
        assert!(report.contains("of `books`\""), "{report}");
        assert!(report.contains("of `books`-2\""), "{report}");
        assert!(
            report.contains("tests=\"2\" failures=\"2\" errors=\"0\""),
            "{report}"
        );
    }

    #[test]
    fn what_xml_cannot_say_is_replaced_and_the_rest_is_escaped() {
        let project = Project::new(&[("é&<\">.py", "x\n")]);
        let mut finding = project.finding_at(0, 1);
        finding.message = "a\n<b> & 'c' \"d\" ]]> \0\u{1b}\u{fffe}\u{ffff} é\u{1F600}".into();
        finding.help = Some("use ]]> and <x>".into());
        let report = junit(&project, vec![finding]);
        let text = report
            .lines()
            .skip_while(|line| !line.contains("<testcase classname=\"onequery.write"));
        insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"), @r#"
            <testcase classname="onequery.write-in-loop" name="é&amp;&lt;&quot;&gt;.py: a &lt;b&gt; &amp; &apos;c&apos; &quot;d&quot; ]]&gt; ??�� é😀">
              <failure message="a &lt;b&gt; &amp; &apos;c&apos; &quot;d&quot; ]]&gt; ??�� é😀" type="warning">é&amp;&lt;&quot;&gt;.py:1:1
        1: writes a row (é&amp;&lt;&quot;&gt;.py:1)
        help: use ]]&gt; and &lt;x&gt;
        confidence: proven
        fingerprint: 0000000000000001</failure>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_could_not_be_analysed_is_an_error() {
        let project = Project::shop();
        let outcome = project.failing();
        let report = bytes(Format::Junit, &outcome, Options::default());
        let suite: Vec<_> = report.lines().skip(2).take(5).collect();
        insta::assert_snapshot!(suite.join("\n"), @r#"
        <testsuite name="analysis" tests="1" failures="0" errors="1">
          <testcase classname="onequery.analysis" name="shop/text.py: unreadable">
            <error message="permission denied" type="unreadable">shop/text.py:1:1</error>
          </testcase>
        </testsuite>
        "#);
    }
}
