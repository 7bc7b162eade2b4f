//! `onequery debug`: what a user is shown of the phases.

use crate::support::{onequery, project};

#[test]
fn coverage_counts_what_is_known() {
    let folder = project(&[
        (
            "models.py",
            "from django.db import models\n\n\nclass Author(models.Model):\n    name = models.TextField()\n\n\n\
             class Book(models.Model):\n    author = models.ForeignKey(Author, on_delete=models.CASCADE)\n    \
             shop = models.ForeignKey(\"elsewhere.Shop\", on_delete=models.CASCADE)\n",
        ),
        (
            "views.py",
            "from models import Book\n\n\ndef label(book):\n    return book.title.strip()\n\n\n\
             def labels():\n    return [label(book) for book in Book.objects.all()]\n",
        ),
    ]);
    let output = onequery(folder.path(), &["debug", "coverage", "."]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("it is text");
    let number = |line: &str| -> usize {
        let line = text
            .lines()
            .find(|found| found.trim_start().starts_with(line))
            .unwrap_or_else(|| panic!("no line `{line}` in\n{text}"));
        let digits = line.split_whitespace().find_map(|word| word.parse().ok());
        digits.unwrap_or_else(|| panic!("no number in `{line}`"))
    };
    let parts = [
        "of the project",
        "in a catalogue",
        "of plain values",
        "of other libraries",
        "of unknown type",
    ];
    assert_eq!(
        number("calls"),
        parts.into_iter().map(number).sum::<usize>(),
        "{text}"
    );
    assert_eq!(number("of the project"), 1, "{text}");
    assert_eq!(
        (number("relations"), number("to a known model")),
        (3, 2),
        "{text}"
    );
    assert_eq!((number("queries"), number("of a known model")), (1, 1), "{text}");
    assert!(text.contains(".strip"), "{text}");
}
