"""The growth oracle: finds cases, makes environments, measures, compares. Runs on Python 3.11 without packages."""
