"""Runs one scenario at one size and writes what it sent to the database. Runs inside of an environment.

Usage: worker.py COUNTER CASE-FOLDER ROWS RESULT-FILE
"""

import importlib
import json
import sys

from counters import COUNTERS


def main(counter, folder, rows, result):
    """Measures and writes `{"statements": …, "commits": …}`."""
    # Before the scenario: it may import a function that the counter replaces.
    traffic = COUNTERS[counter]()
    sys.path.insert(0, folder)
    scenario = importlib.import_module("scenario")
    scenario.setup()
    scenario.seed(int(rows))
    traffic.clear()
    scenario.run()
    counts = {"statements": traffic.count("statement"), "commits": traffic.count("commit")}
    with open(result, "w", encoding="utf-8") as file:
        json.dump(counts, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
