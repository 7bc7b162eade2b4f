"""For scenarios: where the database of a run is."""

import os


def path():
    """The file of the SQLite database. It is there for this run only and empty at first."""
    return os.environ["ORACLE_DATABASE"]


def url(driver="sqlite"):
    """The same for SQLAlchemy."""
    return f"{driver}:///{path()}"
