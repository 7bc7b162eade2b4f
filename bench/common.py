"""What the benchmarks share."""

import json
import os
import pathlib
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent.parent


def build(*arguments):
    """Builds with optimizations, and gives the folder of the binaries."""
    subprocess.run(["cargo", "build", "--release", "--quiet", *arguments], cwd=HERE, check=True)
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = subprocess.run(command, cwd=HERE, check=True, capture_output=True).stdout
    return pathlib.Path(json.loads(metadata)["target_directory"]) / "release"


def install(folder, *packages):
    """Installs packages of PyPI into an environment in a folder, and gives the folder of their programs."""
    venv.create(folder, with_pip=True)
    programs = pathlib.Path(folder) / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", *packages], check=True)
    return programs


def timed(command, cwd=None):
    """Seconds, peak in MB, exit code and output of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    return seconds, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), output


def folder_asked_for(usage, at=1):
    """The folder that the command line names."""
    if len(sys.argv) <= at or not pathlib.Path(sys.argv[at]).is_dir():
        sys.exit(usage)
    return pathlib.Path(sys.argv[at]).resolve()


def number_asked_for(default, at=2):
    """The number that the command line names."""
    return int(sys.argv[at]) if len(sys.argv) > at else default
