"""The `studio` command: the same operations on files, without a server.

Exit codes: 0 done; 1 some failed, or a model or store did; 2 usage or bad input; 3 a quality gate
refused, or a check found what must not be.  Every failure is one line on standard error.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeAlias

from common.allocator import keep_freed
from common.errors import BadInput, GateRefused, Misconfigured, StudioError
from common.operations.options import (
    CheckOptions,
    CleanOptions,
    CutoutOptions,
    DetectOptions,
    EraseOptions,
    ExpandOptions,
    MaskedOptions,
    Options,
    PipelineOptions,
)
from studio.flags import add_flags

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3
STOPPED = 130  # 128 + SIGINT, as shells tell it

PORT = 8080
DATA = "studio-data"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    keep_freed()
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
        return _dispatch(arguments)
    except _UsageError as error:
        tell(str(error))
        return USAGE
    except StudioError as error:
        tell(_in_words(error))
        return exit_code(error)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        tell("stopped.")
        return STOPPED


# Commands that are a module's `run`; the others work on pictures.
BY_MODULE = frozenset({"apikey", "check", "replay", "sheet", "status", "sweep"})


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "serve":
        from studio import server  # noqa: PLC0415 - the server's libraries are for the server

        return server.serve(arguments.port, arguments.data, samples=arguments.samples)
    if arguments.command == "doctor":
        from studio import doctor  # noqa: PLC0415 - as below

        return doctor.run()
    if arguments.command in BY_MODULE:
        run: Callable[[argparse.Namespace], int]
        run = importlib.import_module(f"studio.{arguments.command}").run  # only what is needed
        return run(arguments)
    from studio import batch  # noqa: PLC0415 - image libraries take half a second: help comes first

    return batch.run(arguments)


# --- telling --------------------------------------------------------------------------------------


def tell(line: str) -> None:
    """Write one line on standard error."""
    print("studio:", " ".join(line.split()), file=sys.stderr)


def _in_words(error: StudioError) -> str:
    return " ".join(part for part in (error.message, error.advice) if part)


def exit_code(error: StudioError) -> int:
    """Return the exit code that tells whose fault a failure is."""
    match error:
        case GateRefused():
            return REFUSED
        case BadInput() | Misconfigured():
            return USAGE
        case _:
            return FAILED


# --- the grammar ----------------------------------------------------------------------------------


class _UsageError(Exception):
    """The command line is not understood."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="studio",
        description="Turns raw product pictures into finished assets.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    summary = "say whether credentials, models, buckets, caps and weights are as they must be"
    commands.add_parser("doctor", help=summary, description=summary, allow_abbrev=False)
    summary = "make a key with which a program may use the HTTP API"
    apikey = commands.add_parser("apikey", help=summary, description=summary, allow_abbrev=False)
    apikey.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
    _add_upkeep(commands, "sweep", "run what was dropped and has no result")
    _add_upkeep(commands, "status", "tell how far a folder is, what it cost and what failed")
    replay = _add_upkeep(commands, "replay", "run again what ended in a failed result")
    replay.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="an input such as cutout/shoe.jpg, or a folder of inputs; by default all that failed",
    )
    detect = _add(commands, "detect", "find objects and writing", DetectOptions, photos=1)
    detect.add_argument("-o", "--output", metavar="FILE", help="boxes.json; else standard output")
    for name, summary, options in (
        ("cutout", "cut the subject out, with real transparency", CutoutOptions),
        ("erase", "erase writing", EraseOptions),
        ("clean", "remove clutter, even a plain backdrop out", CleanOptions),
        ("expand", "carry the scene on to a larger canvas", ExpandOptions),
    ):
        command = _add(commands, name, summary, options)
        _add_output(command)
        command.add_argument(
            "--render", metavar="FILE", help="compose with this picture; no model is asked for one"
        )
        if issubclass(options, MaskedOptions):
            command.add_argument(
                "--mask-out",
                metavar="FILE",
                help="write here, as PNG, what may have changed: white",
            )
    run = _add(commands, "run", "do several operations, by a recipe", PipelineOptions)
    _add_output(run)
    run.add_argument("--recipe", metavar="FILE", required=True, help='{"steps": [...]}, as JSON')
    _add(commands, "check", "measure pictures against marketplace presets", CheckOptions)
    _add_sheet(commands)
    _add_key(commands)
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"  # noqa: SLF001 - it has no public name


def _add(
    commands: _Commands,
    name: str,
    summary: str,
    options: type[Options],
    photos: int | None = None,
) -> _Parser:
    command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    command.add_argument("photos", metavar="PHOTO", nargs=photos or "+", help="the picture")
    _add_report(command)
    add_flags(command, options)
    return command


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT|DIR",
        help="result.png, .jpg, .webp, .avif, .tif or .zip; for many photos a folder, which gets"
        " .png files, or those of --format",
    )


def _add_report(command: argparse.ArgumentParser) -> None:
    command.add_argument("--report", metavar="FILE", help="write the report here, as JSON")


def _add_key(commands: _Commands) -> None:
    summary = "key a flat-backed picture by itself"
    key = commands.add_parser("key", help=summary, description=summary, allow_abbrev=False)
    key.add_argument("photos", metavar="RENDER", nargs=1, help="the subject on one flat colour")
    _add_output(key)
    _add_report(key)
    key.add_argument(
        "--key",
        metavar="auto|green|blue|magenta",
        default="auto",
        help="the backing's colour; by default it is measured",
    )


def _add_sheet(commands: _Commands) -> None:
    summary = "draw a sheet of results beside their photos, for a person to look through"
    sheet = commands.add_parser("sheet", help=summary, description=summary, allow_abbrev=False)
    sheet.add_argument(
        "results",
        metavar="DIR|FILE",
        nargs="+",
        help="a folder of results, a studio's data folder, pictures, or a --report of many photos",
    )
    sheet.add_argument(
        "-o", "--output", metavar="sheet.html|sheet.png", required=True, help="the sheet"
    )
    sheet.add_argument(
        "--before", metavar="DIR", help="where the photos are, named like their results"
    )


def _add_serve(commands: _Commands) -> None:
    summary = "start the studio on this machine"
    serve = commands.add_parser("serve", help=summary, description=summary, allow_abbrev=False)
    serve.add_argument("--port", type=int, default=PORT, help=f"by default {PORT}")
    serve.add_argument("--data", metavar="DIR", default=DATA, help=f"by default {DATA}")
    serve.add_argument("--samples", action="store_true", help="begin with a few sample pictures")


def _add_upkeep(commands: _Commands, name: str, summary: str) -> _Parser:
    command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    command.add_argument(
        "--data",
        metavar="DIR",
        help=f"by default {DATA}, or the buckets that STUDIO_INPUT_BUCKET and its likes name",
    )
    return command
