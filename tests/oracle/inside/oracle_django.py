"""For scenarios of Django cases: a project around the case's packages."""

import sys
from datetime import date
from functools import cache
from types import ModuleType

import django
import oracle_database
from django.apps import apps
from django.conf import settings
from django.db import connection


def configure(*own_apps, **more_settings):
    """Sets up a project of these apps. Models can be imported only after it."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", *own_apps],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": oracle_database.path()}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **more_settings,
    )
    django.setup()


def create_tables():
    """Creates the tables of all models that are imported by now."""
    with connection.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)


def provide_base():
    """Makes `house.models.StampedModel` known to Python only: an abstract model in no file of the case."""
    house = ModuleType("house.models")
    # Models can be defined only after `configure`, when the case imports this one.
    house.__getattr__ = lambda name: _stamped_model()
    sys.modules |= {"house": ModuleType("house"), "house.models": house}


@cache
def _stamped_model():
    from django.db import models

    class StampedModel(models.Model):
        stamped = models.DateField(default=date(2026, 1, 1))

        class Meta:
            abstract = True

    return StampedModel
