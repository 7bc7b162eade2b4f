//! How the world outside reaches what repeats: one small program for each way that a catalogue knows.

mod support;

use std::fmt::Write as _;

/// A model in Python and a function that asks for each of its rows.
const SHOP: &str = "\
//- shop/models.py
from django.db import models
class Order(models.Model):
    pass
//- shop/loads.py
from shop.models import Order
def load(ids):
    return [Order.objects.get(pk=i) for i in ids]
";

/// Analyses files that are written one after another, each under a line `//- path`, and compares how each query that
/// repeats is reached: kind, name, and the calls from there.
fn check(text: &str, expected: &str) {
    let analysis = support::analyze_text(text);
    let mut found = String::new();
    for query in analysis.sites.iter().flat_map(|site| &site.queries) {
        let Some(entry) = &query.entry else {
            found.push_str("unknown\n");
            continue;
        };
        let _ = write!(found, "{} {}", entry.kind.id(), entry.name);
        for call in &entry.calls {
            let _ = write!(found, " > {}", call.message);
        }
        found.push('\n');
    }
    assert_eq!(found.trim(), expected.trim());
}

/// A file of Python beside [`SHOP`] that reaches `load`.
fn check_python(path: &str, text: &str, expected: &str) {
    check(
        &format!("{SHOP}//- {path}\nfrom shop.loads import load\n{text}"),
        expected,
    );
}

/// A file of Rust whose function `load` asks for each row.
fn check_rust(text: &str, expected: &str) {
    let load = "async fn load(pool: &PgPool, ids: Vec<i32>) {\n    for id in ids {\n        \
                sqlx::query(\"SELECT a FROM b WHERE c = $1\").bind(id).fetch_one(pool).await;\n    }\n}\n";
    check(
        &format!("//- src/main.rs\nuse sqlx::PgPool;\n{load}{text}"),
        expected,
    );
}

#[test]
fn what_nobody_calls_is_not_reached() {
    check_python("shop/a.py", "def a(ids):\n    load(ids)\n", "unknown");
}

#[test]
fn a_file_is_run() {
    check_python(
        "shop/a.py",
        "load(open('ids'))\n",
        "script shop/a.py > calls `load`",
    );
}

#[test]
fn a_request_goes_before_a_command_whichever_is_nearer() {
    check_python(
        "shop/management/commands/reload_orders.py",
        "from django.core.management.base import BaseCommand\nfrom rest_framework.decorators import api_view\n\
         class Command(BaseCommand):\n    def handle(self, *args, **options):\n        load([])\n",
        "command reload_orders > calls `load`",
    );
    check_python(
        "shop/views.py",
        "from django.core.management.base import BaseCommand\nfrom django.urls import path\n\
         class Command(BaseCommand):\n    def handle(self, *args, **options):\n        load([])\n\
         def far(request):\n    return near()\n\
         def near():\n    return load([])\n\
         urlpatterns = [path('orders/', far)]\n",
        "request orders/ > calls `near` > calls `load`",
    );
}

#[test]
fn views_of_django() {
    check_python(
        "shop/views.py",
        "from django.views.generic import ListView\nfrom django.urls import re_path\nfrom auth import login_required\n\
         class Orders(ListView):\n    def get_queryset(self):\n        return load([])\n",
        "request Orders > calls `load`",
    );
    check_python(
        "shop/urls.py",
        "from django.urls import re_path\nfrom auth import login_required\n\
         def orders(request):\n    load([])\n\
         urlpatterns = [re_path('^orders$', login_required(orders))]\n",
        "request ^orders$ > calls `load`",
    );
    check_python(
        "shop/admin.py",
        "from django.contrib import admin\nclass Orders(admin.ModelAdmin):\n    def total(self, order):\n        load([])\n",
        "request Orders > calls `load`",
    );
    check_python(
        "shop/signals.py",
        "from django.db.models.signals import post_save\nfrom django.dispatch import receiver\n\
         @receiver(post_save)\ndef saved(sender, **kwargs):\n    load([])\n",
        "event saved > calls `load`",
    );
    check_python(
        "shop/signals.py",
        "from django.db.models.signals import post_save\ndef saved(sender, **kwargs):\n    load([])\npost_save.connect(saved)\n",
        "event saved > calls `load`",
    );
}

#[test]
fn views_of_django_rest_framework() {
    check_python(
        "shop/api.py",
        "from rest_framework.routers import DefaultRouter\nfrom somewhere import Base\n\
         class Orders(Base):\n    def list(self, request):\n        load([])\n\
         router = DefaultRouter()\nrouter.register('orders', Orders)\n",
        "request orders > calls `load`",
    );
    check_python(
        "shop/api.py",
        "from rest_framework.views import APIView\nclass Orders(APIView):\n    def get(self, request):\n        load([])\n",
        "request Orders > calls `load`",
    );
    check_python(
        "shop/api.py",
        "from rest_framework.decorators import api_view\n@api_view(['GET'])\ndef orders(request):\n    load([])\n",
        "request orders > calls `load`",
    );
}

#[test]
fn routes_of_flask_and_its_relatives() {
    check_python(
        "shop/app.py",
        "from flask import Flask\n\
         def create_app():\n    app = Flask(__name__)\n    @app.route('/orders')\n    def orders():\n        load([])\n    return app\n",
        "request /orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from flask import Blueprint\nbp = Blueprint('shop', __name__)\n@bp.cli.command('reload')\ndef reload():\n    load([])\n",
        "command reload > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from flask.views import MethodView\nclass Orders(MethodView):\n    def get(self):\n        load([])\n",
        "request Orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/orders')\nasync def orders():\n    load([])\n",
        "request /orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from starlette.routing import Route\nasync def orders(request):\n    load([])\nroutes = [Route('/orders', orders)]\n",
        "request /orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from starlette.endpoints import HTTPEndpoint\nclass Orders(HTTPEndpoint):\n    def get(self, request):\n        load([])\n",
        "request Orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from pyramid.view import view_config\n@view_config(route_name='orders')\ndef orders(request):\n    load([])\n",
        "request orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from pyramid.config import Configurator\n\
         def orders(request):\n    load([])\n\
         def main():\n    config = Configurator()\n    config.add_view(orders, route_name='orders')\n",
        "request orders > calls `load`",
    );
    check_python(
        "shop/app.py",
        "from pyramid.events import subscriber\n@subscriber(object)\ndef started(event):\n    load([])\n",
        "event started > calls `load`",
    );
}

#[test]
fn resolvers_of_graphql() {
    check_python(
        "shop/schema.py",
        "import graphene\nclass Query(graphene.ObjectType):\n    def resolve_orders(root, info):\n        load([])\n",
        "request Query > calls `load`",
    );
    check_python(
        "shop/schema.py",
        "import strawberry\n@strawberry.type\nclass Query:\n    @strawberry.field\n    def orders(self):\n        load([])\n",
        "request Query > calls `load`",
    );
}

#[test]
fn tasks_and_commands() {
    check_python(
        "shop/tasks.py",
        "from celery import shared_task\n@shared_task\ndef reload():\n    load([])\n",
        "task reload > calls `load`",
    );
    check_python(
        "shop/tasks.py",
        "from celery import Celery\napp = Celery()\n@app.task(bind=True)\ndef reload(self):\n    load([])\n",
        "task reload > calls `load`",
    );
    check_python(
        "shop/tasks.py",
        "from celery import Task\nclass Reload(Task):\n    def run(self):\n        load([])\n",
        "task Reload > calls `load`",
    );
    check_python(
        "shop/jobs.py",
        "from apscheduler.schedulers.background import BackgroundScheduler\n\
         def reload():\n    load([])\n\
         scheduler = BackgroundScheduler()\nscheduler.add_job(reload, 'interval')\n",
        "task interval > calls `load`",
    );
    check_python(
        "shop/cli.py",
        "import click\n@click.command()\ndef reload():\n    load([])\n",
        "command reload > calls `load`",
    );
    check_python(
        "shop/cli.py",
        "import typer\napp = typer.Typer()\n@app.command()\ndef reload():\n    load([])\n",
        "command reload > calls `load`",
    );
}

#[test]
fn a_function_that_is_given_away_is_called() {
    check_python(
        "shop/cli.py",
        "import click\nfrom threading import Thread\n\
         def work():\n    load([])\n\
         @click.command()\ndef reload():\n    Thread(target=work).start()\n",
        "command reload > has `work` called > calls `load`",
    );
}

#[test]
fn programs_and_routes_of_rust() {
    check_rust(
        "async fn main() {\n    load(&pool(), ids()).await;\n}\n",
        "script src/main.rs > calls `load`",
    );
    check_rust(
        "use axum::{Router, routing::get};\nasync fn orders() {\n    load(&pool(), ids()).await;\n}\n\
         fn app() -> Router {\n    Router::new().route(\"/orders\", get(orders))\n}\n",
        "request /orders > calls `load`",
    );
    check_rust(
        "use axum::routing::get;\nasync fn orders() {\n    load(&pool(), ids()).await;\n}\n\
         fn app() {\n    unknown().with(get(orders));\n}\n",
        "request orders > calls `load`",
    );
    check_rust(
        "use actix_web::get;\n#[get(\"/orders\")]\nasync fn orders() {\n    load(&pool(), ids()).await;\n}\n",
        "request /orders > calls `load`",
    );
    check_rust(
        "use actix_web::web;\nasync fn orders() {\n    load(&pool(), ids()).await;\n}\n\
         fn app(cfg: &mut web::ServiceConfig) {\n    cfg.service(web::resource(\"/orders\").to(orders));\n}\n",
        "request /orders > calls `load`",
    );
    check_rust(
        "#[macro_use]\nextern crate rocket;\n#[get(\"/orders\")]\nasync fn orders() {\n    load(&pool(), ids()).await;\n}\n\
         fn main() {\n    rocket::build().mount(\"/\", routes![orders]);\n}\n",
        "request /orders > calls `load`",
    );
}

#[test]
fn commands_of_a_group() {
    check_python(
        "shop/cli.py",
        "import click\n@click.group()\ndef cli():\n    pass\n@cli.command()\ndef fill(ids):\n    load(ids)\n",
        "command fill > calls `load`",
    );
}

#[test]
fn what_a_route_depends_on() {
    check_python(
        "shop/api.py",
        "from fastapi import APIRouter, Depends\nrouter = APIRouter()\ndef orders(ids):\n    return load(ids)\n\
         @router.get('/orders')\ndef listed(found=Depends(orders)):\n    return found\n",
        "request orders > calls `load`",
    );
}

#[test]
fn remote_procedures() {
    check_rust(
        "struct Shop { pool: PgPool }\n#[tonic::async_trait]\nimpl shop_server::Shop for Shop {\n    \
         async fn list(&self, request: tonic::Request<Ids>) -> Result<tonic::Response<Rows>, tonic::Status> {\n        \
         load(&self.pool, request.into_inner().ids).await\n    }\n}\n",
        "request Shop.list > calls `load`",
    );
}
