"""Counters of what is sent to a database, one per driver.

A counter is a function that installs the driver's hooks and gives the traffic: a list to which `"statement"` and
`"commit"` are appended as they happen, from any thread. One call of `executemany` is one statement, whatever the driver
makes of it. Statements that begin or end transactions and savepoints are none: they come and go with the database's way
of transactions.
"""

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")


def is_statement(sql):
    """Whether a text is more than transaction control."""
    return not sql.lstrip().upper().startswith(TRANSACTION_CONTROL)


def count_django():
    """Every connection of Django, also those of other threads."""
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.signals import connection_created

    traffic = []

    def on_execute(execute, sql, params, many, context):
        if is_statement(sql):
            traffic.append("statement")
        return execute(sql, params, many, context)

    def on_connect(connection, **kwargs):
        if on_execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(on_execute)

    commit = BaseDatabaseWrapper._commit

    def on_commit(connection):
        traffic.append("commit")
        return commit(connection)

    # Signals hold their receivers weakly.
    connection_created.connect(on_connect, weak=False)
    BaseDatabaseWrapper._commit = on_commit
    return traffic


def count_sqlalchemy():
    """Every engine of SQLAlchemy, also those below async engines."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    traffic = []

    def on_execute(connection, cursor, statement, parameters, context, executemany):
        if is_statement(statement):
            traffic.append("statement")

    event.listen(Engine, "before_cursor_execute", on_execute)
    event.listen(Engine, "commit", lambda connection: traffic.append("commit"))
    return traffic


def count_sqlite3():
    """Every connection made by `sqlite3.connect`."""
    import sqlite3

    traffic = []

    class Cursor(sqlite3.Cursor):
        def executemany(self, sql, rows):
            # SQLite reports each row; a driver with a server sends them together.
            traffic.append("statement")
            self.connection.set_trace_callback(None)
            try:
                return super().executemany(sql, rows)
            finally:
                self.connection.set_trace_callback(on_execute)

    class Connection(sqlite3.Connection):
        def cursor(self, factory=Cursor):
            return super().cursor(factory)

        def executemany(self, sql, rows):
            return self.cursor().executemany(sql, rows)

    def on_execute(sql):
        if sql.lstrip().upper().startswith("COMMIT"):
            traffic.append("commit")
        elif is_statement(sql):
            traffic.append("statement")

    connect = sqlite3.connect

    def on_connect(*args, **kwargs):
        connection = connect(*args, **{"factory": Connection, **kwargs})
        connection.set_trace_callback(on_execute)
        return connection

    sqlite3.connect = on_connect
    return traffic


COUNTERS = {"django": count_django, "sqlalchemy": count_sqlalchemy, "sqlite3": count_sqlite3}
