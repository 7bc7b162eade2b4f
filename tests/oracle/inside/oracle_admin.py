"""For scenarios of cases of the Django admin: a project with an administration site, and the lists that it shows."""

import django
import oracle_database
from django.conf import settings

# Without pages to link to, rows are shown as text.
urlpatterns = []


def configure(*own_apps):
    """Sets up a project of these apps. Models can be imported only after it."""
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.messages",
            "django.contrib.admin",
            *own_apps,
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": oracle_database.path()}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ROOT_URLCONF=__name__,
    )
    django.setup()


def show_list(model):
    """Renders every row of a model's list and gives their cells."""
    from django.contrib import admin
    from django.contrib.admin.templatetags.admin_list import items_for_result
    from django.contrib.auth import get_user_model
    from django.test import RequestFactory

    admin.autodiscover()
    request = RequestFactory().get("/")
    request.user = get_user_model()(is_superuser=True, is_active=True)
    changes = admin.site._registry[model].get_changelist_instance(request)
    return [list(items_for_result(changes, row, None)) for row in changes.result_list]
