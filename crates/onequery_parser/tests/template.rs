//! Templates lower to the IR they should, whatever the text.

use onequery_core::ir::FileIr;

fn lower(text: &str) -> FileIr {
    (onequery_parser::front_end("templates/page.html")
        .expect("templates have a front end")
        .lower)(text)
}

/// Compares the dump of a template's top level.
#[track_caller]
fn check(text: &str, expected: &str) {
    let dump = onequery_parser::dump(&lower(text));
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.trim().to_owned()).collect()
    };
    let is = lines(&dump.replacen("fn #0()\n", "", 1));
    assert_eq!(is, lines(expected), "\n{dump}");
}

#[test]
fn variables_and_filters() {
    check("{{ book.author.name }}", "format(book.author.name)");
    check("{{ book.tags.0 }}", "format(book.tags.0)");
    check(
        "{{ book.tags.all|join:', '|default:book.title }}",
        r#"format(template_filter::default(template_filter::join(book.tags.all, ", "), book.title))"#,
    );
    check(
        "{{ books|map(attribute='author.name')|list|length }}",
        r#"format(template_filter::length(template_filter::list(template_filter::map(books, attribute="author.name"))))"#,
    );
    check(
        "{{ -a + b|abs }}",
        "format((Arithmetic unary a template_filter::abs(b)))",
    );
}

#[test]
fn jinja_expressions() {
    check(
        "{{ x if a and not b or c else y }}",
        "format({ if (Or (And a not b) c); x; else; y })",
    );
    check(
        "{{ a is not divisibleby 3 }}",
        "format(template_test::divisibleby(a, 3))",
    );
    check(
        "{{ a is defined and b }}",
        "format((And template_test::defined(a) b))",
    );
    check("{{ a not in b }}", "format((In a b))");
    check(
        "{{ f(1, *rest, key='v', **more)[0] ~ rows[1:n] }}",
        r#"format((Arithmetic f(1, *rest, key="v", **more)[0] rows[1:n]))"#,
    );
    check(
        r#"{{ {"a": [1, (2, 3), (4)], "b": {}} }}"#,
        r#"format(dict{"a", [1, (2, 3), 4], "b", dict{}})"#,
    );
}

#[test]
fn loops_and_branches() {
    check(
        "{% for a, b in pairs.items reversed %}{{ a }}{% empty %}{{ none_there }}{% endfor %}",
        "
        for (a, b) in pairs.items
            format(a)
        else
            format(none_there)
        ",
    );
    check(
        "{% for x in xs if x.good recursive %}{{ x }}{% endfor %}",
        "
        for x in xs
            if x.good
                format(x)
        ",
    );
    check(
        "{% if a == 1 %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}{{ f }}",
        "
        if (Equal a 1)
            format(b)
        else
            if c
                format(d)
            else
                format(e)
        format(f)
        ",
    );
}

#[test]
fn bindings() {
    check(
        "{% with a=b.c d as e %}{{ a }}{% endwith %}",
        "
        a := b.c
        e := d
            format(a)
        unbind a.e
        ",
    );
    check("{% set a, b = f() %}{% do a.go() %}", "(a, b) := f()\na.go()");
    check(
        "{% blocktrans with n=book.name count c=books.count %}{{ n }}{% plural %}{{ c }}{% endblocktrans %}",
        "
        n := book.name
        c := books.count
            format(n)
            format(c)
        unbind n.c
        ",
    );
    check(
        "{% get_list page 'x' depth=2 as rows %}",
        "rows := template_tag::get_list(page, \"x\", depth=2)",
    );
    check(
        "{% regroup books by author.name as groups %}",
        "
        groups := books
        groups := list-of { each books in groups; dict{\"grouper\", books.author.name, \"list\", groups} }
        ",
    );
}

#[test]
fn composition() {
    check("{% extends 'base.html' %}", "extends \"base.html\"");
    check(
        "{% include 'row.html' with book=b only %}{% include part ignore missing without context %}",
        "
        include \"row.html\" book=b only
        include part only
        ",
    );
    check(
        "{% block body %}{{ block.super }}{{ super() }}{% endblock body %}",
        "
        block body #1
        fn #1() in #0
            format(super)
            format(super)
        ",
    );
    check(
        "{% from 'm.html' import a as b, c %}{% import 'm.html' as m %}",
        "
        b := macros \"m.html\".a
        c := macros \"m.html\".c
        m := macros \"m.html\"
        ",
    );
    check(
        "{% macro row(book, wide=false) %}{{ book.title }}{% endmacro %}",
        "
        def row#1
        fn row#1(book, wide = false) in #0
            format(book.title)
        ",
    );
    check(
        "{% load i18n shop.tags %}{% load x from y %}",
        "
        import i18n as -
        import shop.tags as -
        import y as -
    ",
    );
}

#[test]
fn tags_that_nobody_knows() {
    check(
        "{% panel a %}{{ b }}{% endpanel %}{% other %}",
        "
        template_tag::panel(a, { format(b) })
        template_tag::other()
        ",
    );
    check("{% for x in %}{{ x }}", "for x in opaque()\nformat(x)");
    check(
        "{% endif %}{{ a }}{% else %}{% endfor %}{{ b }}",
        "format(a)\nformat(b)",
    );
    check(
        "{% for %}{% endfor %}{% if %}{% endif %}{% include %}{% with %}{% block %}",
        "
        for () in opaque()
        if opaque()
        include opaque()
        fn #1() in #0
    ",
    );
    check(
        "{{ a ?? b }}{{ 'open }}{{ ( }}{{ [ }}{{ x. }}",
        "
        format(a)
        format(\"open\")
        format(())
        format([])
        format(x)
    ",
    );
}

#[test]
fn deep_nesting_ends() {
    for text in [
        "{% if a %}".repeat(10_000),
        "{% if a %}{% elif b %}".repeat(5_000),
        format!("{{% if a %}}{}", "{% elif b %}".repeat(10_000)),
        format!("{{{{ {}", "(".repeat(10_000)),
        format!("{{{{ {}a }}}}", "not ".repeat(10_000)),
        format!("{{{{ a{} }}}}", "|f".repeat(10_000)),
        format!("{{{{ a{} }}}}", "[b".repeat(10_000)),
    ] {
        assert!(!lower(&text).exprs.is_empty());
    }
}
