"""Runs commands on many files, each in a fork of one warm process with limits on time and memory.

python broken_runner.py CASES.json RESULTS.json SECONDS MEGABYTES
"""

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

# What forks share is loaded once.
import cfgrib  # noqa: F401
import netCDF4  # noqa: F401
import torch

import fsae_core.archive.reader
import fsae_core.codec.archive_run
import fsae_core.codec.backend
import fsae_core.model.checkpoint
import fsae_core.sphere.regrid  # noqa: F401
from fsae_core.cli import main

torch.set_num_threads(1)


def run(arguments: list[str], seconds: int, megabytes: int) -> dict:
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
                resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
                code = main(arguments)
            except BaseException:  # what a user would see as a traceback
                import traceback

                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        waited = started + 3 * seconds
        while True:
            pid, status, used = os.wait4(child, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > waited:
                os.kill(child, 9)
            time.sleep(0.002)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return {
        "arguments": arguments,
        "code": os.waitstatus_to_exitcode(status),
        "said": text[-2000:],
        "cpu": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    cases, results = Path(sys.argv[1]), Path(sys.argv[2])
    told = json.loads(cases.read_text())
    for arguments in told["sound"]:  # what a first command loads and makes is then shared by all
        shutil.rmtree("out.zarr", ignore_errors=True)
        assert main(arguments) == 0, arguments
    for arguments in told["broken"]:
        shutil.rmtree("out.zarr", ignore_errors=True)
        shutil.rmtree("out.zarr.partial", ignore_errors=True)
        done = run(arguments, int(sys.argv[3]), int(sys.argv[4]))
        with results.open("a") as file:
            file.write(json.dumps(done) + "\n")
