"""What came of a scenario, as plain values that those of its fixed twin can be compared with."""

import sqlite3
import subprocess
from collections.abc import Iterable, Mapping, Set

#: Attributes that tell objects of one class apart, the first one that is there.
IDENTITY = ("pk", "id", "name")


def plain(value):
    """A value as text, numbers, lists and dictionaries. Rows are told by their classes and keys."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return [[plain(key), plain(value[key])] for key in value]
    if isinstance(value, Set):
        return sorted((plain(element) for element in value), key=repr)
    if hasattr(value, "content") and hasattr(value, "status_code"):
        return plain(value.content.decode())
    for attribute in IDENTITY:
        if hasattr(value, "__dict__") and hasattr(value, attribute):
            return [type(value).__name__, plain(getattr(value, attribute))]
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(element) for element in value]
    return str(value)


def stored(database):
    """Everything in the database of a run, in no order."""
    scheme, _, place = database.partition("://")
    readers = {"postgresql": stored_in_postgres, "redis": stored_in_redis}
    return sorted(readers[scheme](database) if place else stored_in_file(database))


def stored_in_file(database):
    """Every row of the file of an SQLite database; nothing if there is none."""
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return []
    with connection:
        return list(connection.iterdump())


def stored_in_postgres(address):
    """Every row, and where sequences are."""
    dump = subprocess.run(
        ["pg_dump", "--data-only", "--inserts", address], capture_output=True, text=True, check=True
    ).stdout
    # The words after `\\restrict` and `\\unrestrict` are random.
    return [line for line in dump.splitlines() if line and not line.startswith(("--", "\\", "SET "))]


def stored_in_redis(address):
    """Every key with its value, and whether it expires."""
    import redis

    client = redis.Redis.from_url(address)
    readers = {
        b"string": client.get,
        b"hash": lambda key: sorted(client.hgetall(key).items()),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": lambda key: sorted(client.smembers(key)),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return [f"{key} = {readers[client.type(key)](key)}, expires: {client.ttl(key) >= 0}" for key in client.keys()]
