"""One command a file, put together here; what goes wrong becomes one sentence and an exit code.

Exit codes: 0 done, 2 something the user can put right (one sentence on stderr), 130 and 143 stopped.
"""

from __future__ import annotations

__all__ = ["app", "main"]

import atexit
import errno
import gc
import os
import signal
import sys
from types import FrameType
from typing import Annotated, cast

import typer

from fsae_core import __version__
from fsae_core.cli.atlas import atlas
from fsae_core.cli.catalog import catalog
from fsae_core.cli.compress import compress
from fsae_core.cli.decompress import decompress
from fsae_core.cli.evaluate import MORE_VALUES, evaluate
from fsae_core.cli.info import info
from fsae_core.cli.prepare import prepare
from fsae_core.cli.sample import sample
from fsae_core.cli.simulate import simulate
from fsae_core.cli.super_resolve import super_resolve
from fsae_core.cli.train import train
from fsae_core.errors import UserError, short_reason

_LONGEST = 800

# typer carries its own copy of click in newer versions: its classes are found through one it exports.
_ClickError = cast(type[typer.BadParameter], typer.BadParameter.__mro__[2])

app = typer.Typer(
    name="fsae",
    help="Compress climate fields on the sphere with Field-Space Autoencoders.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(info)
app.command()(catalog)
app.command()(prepare)
app.command()(simulate)
app.add_typer(train, name="train")
app.command()(compress)
app.command()(decompress)
app.command()(atlas)
app.command(context_settings=MORE_VALUES)(evaluate)
app.command(name="super-resolve")(super_resolve)
app.command()(sample)


class _Stopped(BaseException):
    """SIGINT or SIGTERM, raised where the program is: half-written files are cleared on the way out."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.code = 128 + signum


def _stop(signum: int, frame: FrameType | None) -> None:
    raise _Stopped(signum)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compress climate fields on the sphere with Field-Space Autoencoders."""


def main(arguments: list[str] | None = None) -> int:
    """Run ``fsae`` with these arguments (the process's own by default) and give its exit code."""
    # Modules are imported by the hundred, and stay: to look among them for garbage takes half a second on
    # the way in, and to take them to pieces nearly one on the way out.
    gc.set_threshold(100_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
    for signum in (signal.SIGINT, signal.SIGTERM):
        # A shell that started us in the background has Ctrl-C ignored on purpose.
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _stop)
    try:
        code = app(args=arguments, prog_name="fsae", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except UserError as error:
        return _complain(str(error), 2)
    except _ClickError as error:
        message: str = error.format_message()
        # Asking for nothing has printed the help, which is no complaint.
        return _complain(f"{message.rstrip('.')}; see `fsae --help`.", 2) if message else 2
    except _Stopped as stopped:
        return _complain("Stopped before the end: run the same command again.", stopped.code)
    except BrokenPipeError:
        # The reader of our output left, as `head` does.
        _drop_output()
        return 141
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return _complain(_io_sentence(error), 2)
    except MemoryError:
        return _complain("There is not enough memory for this: take fewer variables or a coarser zoom.", 2)


def _drop_output() -> None:
    """What could not be written to stdout is given up: closing it must not complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _io_sentence(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk is full{where}: free some space or write somewhere else, then run the command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Permission was denied{where}: choose a place that you may read and write."
    reason = error.strerror or short_reason(error)
    return f"The file system said: {reason}{where}; check the path and run the command again."


def _complain(sentence: str, code: int) -> int:
    # What is quoted from a file may be long, or meant to play with a terminal.
    text = "".join(c if c.isprintable() else "?" for c in " ".join(sentence.split()))
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    print(f"fsae: {text}", file=sys.stderr)
    return code
