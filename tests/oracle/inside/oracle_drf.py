"""For scenarios of Django REST framework cases: a project whose views are called without a server."""

import oracle_django
from oracle_django import create_tables

__all__ = ["configure", "create_tables", "get", "post"]


def configure(*own_apps):
    """Sets up a project of these apps, in which nobody logs in. Models can be imported only after it."""
    oracle_django.configure(
        *own_apps,
        ALLOWED_HOSTS=["testserver"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
    )


def get(view, **arguments):
    """The answer of a view. The arguments are those of the URL."""
    return answer("get", view, None, arguments)


def post(view, data, **arguments):
    """The answer of a view to data that is sent to it."""
    return answer("post", view, data, arguments)


def answer(method, view, data, arguments):
    # It reads the settings as soon as it is imported.
    from rest_framework.test import APIRequestFactory

    request = getattr(APIRequestFactory(), method)("/", data, format="json" if data else None)
    response = view(request, **arguments).render()
    assert response.status_code < 300, response.data
    return response
