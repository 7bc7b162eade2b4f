"""What the benchmarks share."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent.parent
# Files that are changed in turn are not neighbours.
STRIDE = 7919


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


def copied(source, folder):
    """A copy of a project, without what tools leave in it."""
    ignored = shutil.ignore_patterns(".git", ".onequery_cache", "target")
    return pathlib.Path(shutil.copytree(source, folder, symlinks=True, ignore=ignored))


def reported_files(binary, folder):
    """The sources of a project that are reported on."""
    shown = timed([binary, "check", folder, "--show-files", "--no-cache"])[3].decode().splitlines()
    files = [folder / path for path in shown if path.endswith((".py", ".rs"))]
    if not files:
        sys.exit(f"{folder} has no files to report on")
    return files


def file_of(files, round):
    """The file that is changed in a round."""
    return files[round * STRIDE % len(files)]


def change_body(files, round):
    """Adds a statement to the first function of a file, and gives the file."""
    at = round * STRIDE % len(files)
    for file in files[at:] + files:
        text = file.read_text()
        if file.suffix == ".py":
            pattern, statement = r"^([ \t]*)def \w+\(.*:\n(?=\1[ \t]+\S)", r"\g<0>\1    changed = 1\n"
        else:
            pattern, statement = r"^([ \t]*)(pub )?fn \w+\(.*\{\n", r"\g<0>\1    let changed = 1;\n"
        changed, n_changes = re.subn(pattern, statement, text, count=1, flags=re.MULTILINE)
        # What would not be indented like the rest is no statement of the function.
        if n_changes and (file.suffix != ".py" or is_python(changed)):
            file.write_text(changed)
            return file
    sys.exit("no file has a function")


def is_python(text):
    try:
        compile(text, "", "exec")
    except SyntaxError:
        return False
    return True
