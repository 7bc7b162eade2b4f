//! What the whole analysis makes of small programs: the sites, what they repeat, how sure that is.

use std::fmt::Write as _;

use onequery_analysis::{Catalogs, SourceFile, analyze};
use onequery_parser::front_end;

/// Analyses files that are written one after another, each under a line `//- path`, and compares what is repeated.
fn check(text: &str, expected: &str) {
    let files: Vec<SourceFile> = text
        .split("//- ")
        .skip(1)
        .map(|file| {
            let (path, text) = file.split_once('\n').expect("a file's text follows its path");
            let lower = front_end(path).expect("the tests are Python or Rust").lower;
            SourceFile {
                path: path.to_owned(),
                ir: lower(text),
            }
        })
        .collect();
    let analysis = analyze(&files, &[], &Catalogs::embedded());
    let mut found = String::new();
    for (_, problem) in &analysis.problems {
        let _ = writeln!(found, "{:?} {}", problem.kind, problem.message);
    }
    for query in analysis.sites.iter().flat_map(|site| &site.queries) {
        let trace: String = query
            .trace
            .iter()
            .map(|step| format!(" > {}", step.label))
            .collect();
        let (access, dependence, confidence) = (query.access, query.dependence, query.confidence.id());
        let _ = writeln!(
            found,
            "{access:?} {dependence:?} {confidence} {}{trace}",
            query.label
        );
    }
    assert_eq!(found.trim(), expected.trim());
}

const MODELS: &str = "\
//- shop/models.py
from django.db import models
class Order(models.Model):
    pass
class Item(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name=\"items\")
";

/// A Django view over [`MODELS`].
fn check_view(view: &str, expected: &str) {
    check(
        &format!("{MODELS}//- shop/views.py\nfrom shop.models import Order\n{view}"),
        expected,
    );
}

#[test]
fn a_query_that_depends_on_the_element() {
    check_view(
        "def load(ids: list[int]):\n    return [Order.objects.get(pk=i) for i in ids]\n",
        "Read Element proven Order.objects.get",
    );
}

#[test]
fn declared_functions_are_believed() {
    let view = |marker: &str| {
        format!(
            "def load(ids: list[int]):\n    return [one(i) for i in ids]\n{marker}\ndef one(i: int):\n    return Order.objects.get(pk=i)\n"
        )
    };
    check_view(&view(""), "Read Element proven one > Order.objects.get");
    check_view(&view("# onequery: batched -- the router gathers them"), "");
    check_view(&view("# onequery: no-query"), "");
    let inside =
        "# onequery: MARKER\ndef load(ids: list[int]):\n    return [Order.objects.get(pk=i) for i in ids]\n";
    check_view(
        &inside.replace("MARKER", "batched"),
        "Read Element proven Order.objects.get",
    );
    check_view(&inside.replace("MARKER", "no-query"), "");
}

#[test]
fn the_same_query_every_time() {
    check_view(
        "def load(ids: list[int]):\n    for i in ids:\n        print(Order.objects.count())\n",
        "Read Invariant proven Order.objects.count",
    );
}

#[test]
fn an_iterable_is_evaluated_once() {
    check_view(
        "def load():\n    for order in Order.objects.all():\n        print(order)\n",
        "",
    );
    check_view(
        "def load():\n    return [order.pk for order in Order.objects.all()]\n",
        "",
    );
}

#[test]
fn inner_iterables_are_evaluated_per_element() {
    check_view(
        "def load(ids: list[int]):\n    return [o for i in ids for o in Order.objects.filter(user=i)]\n",
        "Read Element proven Order.objects.filter",
    );
}

#[test]
fn calls_are_followed_across_files() {
    check(
        &format!(
            "{MODELS}//- shop/load.py\nfrom .models import Order\ndef load(key):\n    return Order.objects.get(pk=key)\n\
             //- shop/views.py\nfrom shop.load import load\ndef view(ids: list[int]):\n    return [load(i) for i in ids]\n"
        ),
        "Read Element proven load > Order.objects.get",
    );
}

#[test]
fn a_callee_that_queries_on_some_path_is_possible_only() {
    check_view(
        "def load(key):\n    if key.fresh:\n        return Order.objects.get(pk=key)\n    return key\n\
         def view(ids: list[int]):\n    return [load(i) for i in ids]\n",
        "Read Element possible load > Order.objects.get",
    );
}

/// A function that queries only if its second parameter is given, and a loop that calls it with `given`.
fn guarded_by(guard: &str, given: &str) -> String {
    format!(
        "def load(key, cache=None):\n    if {guard}:\n        return Order.objects.get(pk=key)\n    return key\n\
         def passes_on(key, cache=None):\n    return load(key, cache)\n\
         def view(ids: list[int], known):\n    return [passes_on(i{given}) for i in ids]\n"
    )
}

#[test]
fn what_a_parameter_is_given_decides_a_guard() {
    let finding = "Read Element proven passes_on > load > Order.objects.get";
    let open = "Read Element possible passes_on > load > Order.objects.get";
    for (guard, given, expected) in [
        ("cache is None", "", finding),
        ("cache is None", ", None", finding),
        ("cache is None", ", True", ""),
        ("cache is None", ", known", open),
        ("cache is not None", "", ""),
        ("not cache", ", cache=False", finding),
        ("cache", ", cache=True", finding),
        ("cache", "", ""),
        ("cache == True", ", cache=True", finding),
    ] {
        check_view(&guarded_by(guard, given), expected);
    }
}

#[test]
fn an_early_return_guards_what_follows() {
    let program = |given: &str| {
        format!(
            "def load(key, cache=None):\n    if cache is not None:\n        return cache\n    return Order.objects.get(pk=key)\n\
             def view(ids: list[int]):\n    return [load(i{given}) for i in ids]\n"
        )
    };
    check_view(&program(""), "Read Element proven load > Order.objects.get");
    check_view(&program(", True"), "");
}

#[test]
fn a_search_ends_the_loop() {
    check_view(
        "def find(ids):\n    for i in ids:\n        order = Order.objects.filter(pk=i).first()\n        if order:\n            return order\n",
        "",
    );
}

#[test]
fn full_batches_are_flushed() {
    check_view(
        "def store(rows):\n    batch = []\n    for row in rows:\n        batch.append(Order())\n        if len(batch) >= 500:\n            \
         Order.objects.bulk_create(batch)\n            batch = []\n",
        "",
    );
}

#[test]
fn a_batch_is_taken_whole() {
    check_view(
        "def load(batches):\n    for ids in batches:\n        print(list(Order.objects.filter(pk__in=ids)))\n",
        "",
    );
}

#[test]
fn recursive_types_settle() {
    check_view("def nest(x):\n    return [nest(x)]\n", "");
    check(
        "//- a.py\nfrom b import f\ndef g():\n    return f()\n//- b.py\nfrom a import g\ndef f():\n    return g()\n",
        "",
    );
}

#[test]
fn inheritance_in_circles_ends() {
    check(
        "//- a.py\nclass A(B): pass\nclass B(A): pass\ndef f(a: A):\n    return a.missing()\n",
        "",
    );
}

#[test]
fn names_of_one_file_stay_in_it() {
    check(
        "//- a.py\ncache = {}\ndef find(key):\n    return cache.get(key)\n//- b.py\nfrom a import find\ndef f(k):\n    if find(k) is None:\n        return 1\n",
        "",
    );
}

#[test]
fn rust_fields_and_closures() {
    check(
        "//- src/lib.rs\nuse sqlx::PgPool;\nstruct Repo { pool: PgPool }\nimpl Repo {\n    async fn load(&self, ids: &[i64]) {\n        \
         for id in ids {\n            sqlx::query(\"SELECT 1 FROM t WHERE id = $1\").bind(id).fetch_one(&self.pool).await;\n        }\n    }\n}\n",
        "Read Element proven sqlx::query(…).bind(…).fetch_one",
    );
    check(
        "//- src/lib.rs\nuse sqlx::PgPool;\nfn one(pool: &PgPool, id: Option<i64>) {\n    \
         id.map(|id| sqlx::query(\"SELECT 1\").bind(id).fetch_one(pool));\n}\n",
        "",
    );
}

#[test]
fn more_branches_around_each_other_than_a_byte_counts() {
    let mut view =
        String::from("def load(kind: str, ids: list[int]):\n    if kind == \"0\":\n        pass\n");
    for arm in 1..300 {
        let _ = writeln!(view, "    elif kind == \"{arm}\":\n        print(kind)");
    }
    view.push_str("    else:\n        for i in ids:\n            Order.objects.get(pk=i)\n");
    check_view(&view, "Read Element proven Order.objects.get");
}

#[test]
fn more_loops_than_are_told_apart() {
    let mut view = String::from("def load(ids: list[int]):\n");
    for _ in 0..100 {
        view.push_str("    for i in ids:\n        Order.objects.get(pk=i)\n");
    }
    // Those beyond could count for another loop.
    let limit =
        "Fuel more than 63 loops run from this function; what those from here on repeat is not reported\n";
    let each = "Read Element proven Order.objects.get\n";
    check_view(&view, &format!("{limit}{}", each.repeat(63)));
}

/// A view over [`MODELS`] and the template that it renders.
fn check_template(view: &str, template: &str, expected: &str) {
    check(
        &format!(
            "{MODELS}//- shop/templates/page.html\n{template}\n//- shop/views.py\n\
             from django.shortcuts import render\nfrom shop.models import Order\n{view}"
        ),
        expected,
    );
}

#[test]
fn blocks_of_one_name_inside_of_each_other_end() {
    let each = "{% for order in orders %}{{ order.items.count }}{% endfor %}";
    let nested = "{% block a %}".repeat(40) + &"{% endblock %}".repeat(40) + each;
    check_template(
        "def page(request):\n    return render(request, 'page.html', {'orders': Order.objects.all()})\n",
        &nested,
        "Read Element proven order.items.count",
    );
}

#[test]
fn a_look_up_keeps_no_name_of_another_file() {
    let many: String = (0..40).fold(String::new(), |mut text, ix| {
        let _ = writeln!(text, "    v{ix} = {ix}");
        text
    });
    check_template(
        &format!(
            "def page(request, known: dict):\n{many}    zz = {{\"a\": Order.objects.all()}}\n    hit = zz.get('a')\n    \
             return render(request, 'page.html', {{'hit': hit}})\n"
        ),
        "{% if hit %}{% for order in hit %}{{ order.items.count }}{% endfor %}{% endif %}",
        "Read Element proven order.items.count",
    );
}
