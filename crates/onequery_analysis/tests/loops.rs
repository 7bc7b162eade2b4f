//! What the whole analysis makes of small programs: the sites, what they repeat, how sure that is.

mod support;

use std::fmt::Write as _;

/// Analyses files that are written one after another, each under a line `//- path`, and compares what is repeated.
fn check(text: &str, expected: &str) {
    let analysis = support::analyze_text(text);
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
fn what_no_code_names_is_not_proven_where_the_world_outside_comes_in() {
    let view = |entry: &str| {
        format!(
            "from celery import shared_task\ndef load(ids: list[int]):\n    return [Order.objects.get(pk=i) for i in ids]\n{entry}"
        )
    };
    check_view(&view(""), "Read Element proven Order.objects.get");
    let unmentioned = "@shared_task\ndef nightly():\n    pass\n";
    check_view(&view(unmentioned), "Read Element likely Order.objects.get");
    let mentioned = "@shared_task\ndef nightly(ids):\n    load(ids)\n";
    check_view(&view(mentioned), "Read Element proven Order.objects.get");
}

#[test]
fn the_query_of_what_a_library_gave_is_none() {
    let of = |url: &str| {
        format!(
            "//- shop/links.py\nimport hyperlink\ndef parts(url, urls: list[str]):\n    for _ in urls:\n        one(url)\ndef one(url):\n    {url}    return [pair for pair in url.query]\n"
        )
    };
    check(&of("url = hyperlink.parse(url)\n"), "");
    check(&of("pass\n"), "Read Unknown likely one > url.query");
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
fn what_was_asked_before_and_is_given_the_answer_remembers() {
    let finding = "Read Element proven load > Order.objects.get";
    let known = "known = client.get(key)\n    if known is not None:\n        return known";
    for (ask, keep, expected) in [
        (known, "client.put(key, order)", ""),
        (known, "client.put(key, 1)", finding),
        (known, "other.put(key, order)", finding),
        (
            "if key in client.known:\n        return client.known[key]",
            "client.known[key] = order",
            "",
        ),
        (
            "if client.is_off(key):\n        return None",
            "client.put(key, order)",
            finding,
        ),
        ("known = client.get(key)", "client.put(key, order)", finding),
    ] {
        let program = format!(
            "from stores import client, other\ndef load(key):\n    {ask}\n    order = Order.objects.get(pk=key)\n    {keep}\n    \
             return order\ndef view(ids: list[int]):\n    return [load(i) for i in ids]\n"
        );
        check_view(&program, expected);
    }
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

#[test]
fn users_are_those_of_the_library_unless_a_setting_names_others() {
    let program = |settings: &str, user: &str| {
        format!(
            "\
//- site/settings.py
{settings}
//- accounts/models.py
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
class Shopper(AbstractUser):
    pass
class Profile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name=\"profile\")
//- accounts/views.py
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from accounts.models import Shopper
def show():
    return [user.profile for user in {user}.objects.all()]
"
        )
    };
    let found = "Read Element proven user.profile";
    for (settings, user, expected) in [
        ("", "User", found),
        ("", "get_user_model()", found),
        ("", "Shopper", ""),
        ("AUTH_USER_MODEL = 'auth.User'", "User", found),
        ("AUTH_USER_MODEL = 'accounts.Shopper'", "Shopper", found),
        ("AUTH_USER_MODEL = 'accounts.Shopper'", "get_user_model()", found),
        ("AUTH_USER_MODEL = 'accounts.Shopper'", "User", ""),
        ("AUTH_USER_MODEL = env('USERS')", "User", ""),
    ] {
        check(&program(settings, user), expected);
    }
}

#[test]
fn what_a_stub_file_leaves_out_is_still_the_librarys() {
    let user = "\
//- accounts/models.py
from django.contrib.auth import models as auth
from django.contrib.auth.models import UserManager
from django.db import models
class Shopper(auth.AbstractUser):
    objects = UserManager()
class Team(models.Model):
    boss = models.ForeignKey(auth.Group, models.CASCADE)
def show():
    everybody = [shopper.groups.count() for shopper in Shopper.objects.filter(is_staff=True)]
    return everybody, [group.team_set.count() for group in auth.Group.objects.all()]
";
    check(
        user,
        "Read Element proven shopper.groups.count\nRead Element proven group.team_set.count",
    );
}
