"""For scenarios of cases of Django's templates: a project whose applications have templates and tags, and a request."""

import oracle_django


def configure(*own_apps):
    """Sets up a project of these apps. Models can be imported only after it."""
    oracle_django.configure(
        *own_apps,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        ROOT_URLCONF=__name__,
    )


# No case follows a link.
urlpatterns = []


def get(view, **kwargs):
    """The text that a view, a function or a class of views, gives for a request."""
    from django.test import RequestFactory

    as_view = getattr(view, "as_view", None)
    response = (as_view() if as_view else view)(RequestFactory().get("/"), **kwargs)
    render = getattr(response, "render", None)
    return (render() if render else response).content.decode()
