"""For scenarios: where the database of a run is. It is there for this run only and empty at first."""

import os


def path():
    """The file of the SQLite database."""
    return os.environ["ORACLE_DATABASE"]


def url(driver="sqlite"):
    """The same for SQLAlchemy."""
    return f"{driver}:///{path()}"


def server():
    """The database's address, in environments with a server. Drivers and SQLAlchemy take it as it is."""
    return os.environ["ORACLE_DATABASE"]
