"""Counters of what is sent to a database, one per driver.

A counter is a function that installs the driver's hooks and gives the traffic: a list to which `"statement"` and
`"commit"` are appended as they happen, from any thread. One call of `executemany` is one statement, whatever the driver
makes of it. Statements that begin or end transactions and savepoints are none: they come and go with the database's way
of transactions. So are a driver's own at the start of a connection and at its return to a pool.
"""

import functools

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")


def is_statement(sql):
    """Whether a text is more than transaction control."""
    return not sql.lstrip().upper().startswith(TRANSACTION_CONTROL)


def note(traffic, sql):
    """Appends what a text is, for drivers that commit by a text like any other."""
    if sql.lstrip().upper().startswith("COMMIT"):
        traffic.append("commit")
    elif is_statement(sql):
        traffic.append("statement")


def text_of(sql, cursor):
    """The text of a statement that can also be bytes or composed, as psycopg allows."""
    if isinstance(sql, bytes):
        return sql.decode()
    return sql.as_string(cursor) if hasattr(sql, "as_string") else sql


def before(owner, name, action):
    """Lets a method call something else first, with the same arguments."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        action(*args, **kwargs)
        return method(*args, **kwargs)

    setattr(owner, name, wrapper)


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
        note(traffic, sql)

    connect = sqlite3.connect

    def on_connect(*args, **kwargs):
        connection = connect(*args, **{"factory": Connection, **kwargs})
        connection.set_trace_callback(on_execute)
        return connection

    sqlite3.connect = on_connect
    return traffic


#: What asyncpg sends when a connection goes back to its pool begins so.
ASYNCPG_RESET = "SELECT pg_advisory_unlock_all()"


def count_asyncpg():
    """Every connection of asyncpg. Preparing a statement is none, nor are the further rows of a cursor."""
    from asyncpg.protocol import Protocol

    traffic = []

    def on_text(protocol, sql, *args, **kwargs):
        if not sql.startswith(ASYNCPG_RESET):
            note(traffic, sql)

    def on_prepared(protocol, state, *args, **kwargs):
        note(traffic, state.query)

    # Its own hook, the query logger, hears of no prepared statements, cursors and copies.
    for name in ("query", "copy_in", "copy_out"):
        before(Protocol, name, on_text)
    for name in ("bind", "bind_execute", "bind_execute_many"):
        before(Protocol, name, on_prepared)
    return traffic


def count_psycopg():
    """Every connection of psycopg 3, also asynchronous ones. The further rows of a cursor are no statement."""
    from psycopg._connection_base import BaseConnection
    from psycopg._cursor_base import BaseCursor
    from psycopg._server_cursor_base import ServerCursorMixin

    traffic = []

    def on_execute(cursor, sql, *args, **kwargs):
        note(traffic, text_of(sql, cursor))

    def on_command(connection, command, *args, **kwargs):
        if command == b"COMMIT":
            traffic.append("commit")

    for name in (
        "_execute_gen",
        "_executemany_gen_pipeline",
        "_executemany_gen_no_pipeline",
        "_stream_send_gen",
        "_start_copy_gen",
    ):
        before(BaseCursor, name, on_execute)
    before(ServerCursorMixin, "_declare_gen", on_execute)
    before(BaseConnection, "_exec_command", on_command)
    return traffic


def count_psycopg2():
    """Every connection made by `psycopg2.connect`."""
    import psycopg2
    from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor

    traffic = []

    def counted(factory):
        """The same class of cursors, watched."""
        watched = type(factory.__name__, (factory,), {})
        for name in ("execute", "executemany", "copy_expert"):
            before(watched, name, on_execute)
        for name in ("callproc", "copy_from", "copy_to"):
            before(watched, name, lambda *args, **kwargs: traffic.append("statement"))
        return watched

    class Connection(connection):
        def cursor(self, name=None, cursor_factory=None, **kwargs):
            factory = cursor_factory or self.cursor_factory or cursor
            return super().cursor(name, cursor_factory=counted(factory), **kwargs)

        def commit(self):
            # Without a transaction it sends nothing.
            if self.info.transaction_status != TRANSACTION_STATUS_IDLE:
                traffic.append("commit")
            super().commit()

    def on_execute(cursor, sql, *args, **kwargs):
        note(traffic, text_of(sql, cursor))

    connect = psycopg2.connect

    def on_connect(*args, **kwargs):
        return connect(*args, **{"connection_factory": Connection, **kwargs})

    psycopg2.connect = on_connect
    return traffic


#: What redis-py sends by itself, at the start of a connection and to see whether it is alive.
REDIS_HANDSHAKE = (b"AUTH", b"CLIENT", b"HELLO", b"PING", b"SELECT")


def count_redis():
    """Every connection of redis-py, also asynchronous ones. A pipeline is one statement. There are no commits."""
    from redis.asyncio.connection import AbstractConnection as AsyncConnection
    from redis.connection import AbstractConnection

    traffic = []

    def on_send(connection, packed, *args, **kwargs):
        # `*2\r\n$3\r\nGET\r\n…`
        name = b"".join(packed).split(b"\r\n", 3)[2]
        if name.upper() not in REDIS_HANDSHAKE:
            traffic.append("statement")

    before(AbstractConnection, "send_packed_command", on_send)
    before(AsyncConnection, "send_packed_command", on_send)
    return traffic


#: What a collection of mongomock is asked for by a client, besides what `find` walks over.
MONGO_COMMANDS = (
    "_iter_documents",
    "aggregate",
    "bulk_write",
    "count_documents",
    "delete_many",
    "delete_one",
    "distinct",
    "estimated_document_count",
    "find_one_and_delete",
    "find_one_and_replace",
    "find_one_and_update",
    "insert_many",
    "insert_one",
    "replace_one",
    "update_many",
    "update_one",
)


def count_mongomock():
    """Every client of mongomock, which stands in for a server. A command that makes others is one. There are no commits."""
    from mongomock.collection import Collection

    traffic = []
    within = []

    def counted(method):
        @functools.wraps(method)
        def wrapper(*args, **kwargs):
            if not within:
                traffic.append("statement")
            within.append(method)
            try:
                return method(*args, **kwargs)
            finally:
                within.pop()

        return wrapper

    for name in MONGO_COMMANDS:
        setattr(Collection, name, counted(getattr(Collection, name)))
    return traffic


#: By name: the counter, and the modules of the library that are loaded once for all scenarios.
COUNTERS = {
    "django": (count_django, ("django.db.models", "django.db.backends.sqlite3.base", "django.template.defaulttags")),
    "sqlalchemy": (count_sqlalchemy, ("sqlalchemy.orm", "sqlalchemy.dialects.sqlite")),
    "sqlite3": (count_sqlite3, ("sqlite3",)),
    "asyncpg": (count_asyncpg, ("asyncpg",)),
    "psycopg": (count_psycopg, ("psycopg_pool",)),
    "psycopg2": (count_psycopg2, ("psycopg2.extras",)),
    "mongomock": (count_mongomock, ("mongoengine", "mongomock")),
    "redis": (count_redis, ("redis.asyncio",)),
}
