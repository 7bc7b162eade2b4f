//! What is advised to load relations with their rows.

mod support;

/// Analyses files that are written one after another, each under a line `//- path`, and compares the advice, in order.
fn check(text: &str, expected: &[&str]) {
    let analysis = support::analyze_text(text);
    let queries = analysis.sites.iter().flat_map(|site| &site.queries);
    let found: Vec<&str> = queries.filter_map(|query| query.remedy.as_deref()).collect();
    assert_eq!(found, expected);
}

const SHOP: &str = "\
//- shop/models.py
from django.db import models
class Customer(models.Model):
    pass
class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name=\"orders\")
class Product(models.Model):
    name = models.TextField()
class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name=\"lines\")
    product = models.ForeignKey(Product, models.CASCADE)
";

/// A view over [`SHOP`].
fn check_view(view: &str, expected: &[&str]) {
    let view = format!("//- shop/views.py\nfrom shop.models import Customer, Order, Line\n{view}");
    check(&format!("{SHOP}{view}"), expected);
}

#[test]
fn one_hop_is_added_to_the_query_of_the_rows() {
    check_view(
        "def names():\n    return [line.product.name for line in Line.objects.all()]\n",
        &["add `.select_related(\"product\")` to the query that gives the rows"],
    );
}

#[test]
fn rows_of_rows_are_loaded_by_the_outermost_query() {
    check_view(
        "\
def report(write):
    for customer in Customer.objects.all():
        for order in customer.orders.all():
            for line in order.lines.all():
                write(line.product.name)
",
        &[
            "add `.prefetch_related(\"orders\")` to the query that gives the rows",
            "add `.prefetch_related(\"orders__lines\")` to the query that gives the rows of `Customer`",
            "add `.prefetch_related(\"orders__lines__product\")` to the query that gives the rows of `Customer`",
        ],
    );
}

#[test]
fn narrowed_rows_have_a_query_of_their_own() {
    check_view(
        "\
def report(write, customer: Customer):
    for order in Order.objects.filter(customer=customer):
        for line in order.lines.filter(product__name=\"pen\"):
            write(line.product.name)
",
        &[
            "fetch all rows with one query before the loop (`filter(field__in=…)` or `in_bulk(…)`) and look them up in a \
             dictionary, or prefetch them with the rows of the loop if a relation leads to them",
            "add `.select_related(\"product\")` to the query that gives the rows",
        ],
    );
}

#[test]
fn a_relation_of_a_mixin_is_named_by_the_class_that_is_queried() {
    check(
        "\
//- shop/models.py
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column, relationship
class Base(DeclarativeBase):
    pass
class User(Base):
    __tablename__ = \"users\"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
class Owned:
    owner_id: Mapped[int] = mapped_column(ForeignKey(\"users.id\"))
    @declared_attr
    def owner(cls) -> Mapped[User]:
        return relationship(User)
class Document(Owned, Base):
    __tablename__ = \"documents\"
    id: Mapped[int] = mapped_column(primary_key=True)
def owners(session: Session):
    return [document.owner.name for document in session.scalars(select(Document))]
",
        &[
            "add `.options(selectinload(Document.owner))` to the query that gives the rows (`options=[…]` of `get`), or go on \
          from an option that it has",
        ],
    );
}
