//! Of tests and migrations what repeats nothing is not read, and nothing else is found so.

use crate::support::{project, report};

const SHOP: &[(&str, &str)] = &[
    ("pyproject.toml", ""),
    (
        "shop/models.py",
        "from django.db import models\n\n\nclass Maker(models.Model):\n    name = models.TextField()\n\n\n\
         class Book(models.Model):\n    maker = models.ForeignKey(Maker, models.CASCADE)\n",
    ),
    (
        "shop/views.py",
        "from shop.models import Book\n\n\ndef names(books):\n    return [book.maker.name for book in books]\n\n\n\
         def load(ids):\n    return [Book.objects.get(pk=pk) for pk in ids]\n",
    ),
    (
        "shop/migrations/0002_names.py",
        "from django.db import migrations, models\nfrom shop import backfill\n\n\n\
         class Migration(migrations.Migration):\n    dependencies = [(\"shop\", \"0001_initial\")]\n    operations = [\n        \
         migrations.AddField(\"book\", \"name\", models.TextField(default=str)),\n    ]\n\n\n\
         class Later(migrations.Migration):\n    operations = [migrations.RunPython(backfill.fill)]\n",
    ),
    (
        "shop/backfill.py",
        "from shop.models import Book\n\n\ndef fill(apps, editor):\n    for book in Book.objects.all():\n        \
         print(book.maker.name)\n",
    ),
    (
        "shop/tests/test_views.py",
        "from shop.models import Book\nfrom shop.views import load, names\n\n\n\
         def test_names(django_assert_num_queries):\n    with django_assert_num_queries(1):\n        load([1])\n\n\n\
         def test_rows():\n    assert names(Book.objects.all()) == []\n\n\n\
         def test_each():\n    for book in Book.objects.all():\n        assert book.maker.name\n\n\n\
         def check(ids):\n    for pk in ids:\n        Book.objects.get(pk=pk)\n\n\n\
         def test_helper():\n    check([1, 2])\n    text = '''\nfor x in y: z\n'''\n    assert text\n",
    ),
];

#[test]
fn what_repeats_nothing_need_not_be_read() {
    let folder = project(SHOP);
    let skimmed = report(folder.path(), &["--include=tests", "--include=migrations"]);
    let whole = report(
        folder.path(),
        &["--include=tests", "--include=migrations", "--whole-files"],
    );
    assert_eq!(skimmed, whole);
    let findings = skimmed["findings"].as_array().expect("there is a list");
    let found: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or_default();
            (text("path"), text("rule"))
        })
        .collect();
    // What tests pass to others says nothing about these, and what they pass to their own is short.
    assert_eq!(
        found,
        [
            ("shop/backfill.py", "lazy-relation-in-loop"),
            ("shop/tests/test_views.py", "lazy-relation-in-loop"),
            ("shop/views.py", "query-in-loop"),
        ]
    );
}
