"""Runs scenarios and tells what they sent to the database. Runs inside of an environment.

Usage: worker.py COUNTER

Reads one request per line of standard input, JSON: the case's `folder`, the number of `rows`, the file or address of the
`database`, and the file that takes the `result`. Answers each with a line: how the scenario ended, 0 if all went well. A
scenario has a process of its own, forked off this one, so that the library is loaded once and nothing else is shared.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import traceback

import outcome
from counters import COUNTERS


def main(counter):
    """Answers requests until there are no more."""
    install, library = COUNTERS[counter]
    for module in library:
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        process = os.fork()
        if process == 0:
            os._exit(attempt(install, request))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def attempt(install, request):
    """Runs one scenario, with what went wrong beside its result."""
    try:
        os.environ["ORACLE_DATABASE"] = request["database"]
        os.chdir(os.path.dirname(request["result"]))
        run(install, **request)
    except BaseException:
        with open(request["result"], "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        return 1
    return 0


def run(install, folder, rows, database, result):
    """Measures one scenario and writes what it sent and what came of it."""
    # Before the scenario: it may import a function that the counter replaces.
    traffic = install()
    sys.path.insert(0, folder)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        scenario = importlib.import_module("scenario")
        scenario.setup()
        scenario.seed(rows)
        before = outcome.stored(database)
        traffic.clear()
        printed.seek(0)
        printed.truncate()
        returned = scenario.run()
    counts = {"statements": traffic.count("statement"), "commits": traffic.count("commit")}
    after = outcome.stored(database)
    came_of_it = {
        "returned": outcome.plain(returned),
        "printed": printed.getvalue(),
        "stored": after,
        "changed": before != after,
    }
    with open(result, "w", encoding="utf-8") as file:
        json.dump({"counts": counts, "outcome": came_of_it}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
