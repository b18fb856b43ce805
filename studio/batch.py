"""One command over one photo or many: work, tell, count."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import codec
from common.errors import BadOptions, InternalError, StudioError
from common.operations.base import Operation
from common.operations.options import Options, read_options
from common.report import Report
from functions import _wiring
from functions._wiring import Finished
from studio import assets, files
from studio.command import DONE, FAILED, exit_code, tell
from studio.files import Task
from studio.flags import given
from studio.progress import Progress

Work = Callable[[bytes, str], Finished]  # a photo's bytes and the result's format -> the result

OPERATIONS = {"run": "pipeline"}  # commands that are not named like their operation


def run(arguments: argparse.Namespace) -> int:
    """Do what a parsed command line says; return the exit code.

    Raises
    ------
    StudioError
        Before anything was done: the command line makes no sense.
    """
    facts_only = arguments.command == "detect"
    options = None if arguments.command == "key" else _options(arguments)
    wanted = getattr(options, "preset", [])
    if wanted:
        tasks = assets.tasks(arguments.photos, arguments.output, wanted)
    else:
        tasks = files.tasks(arguments.photos, arguments.output, _suffix(options, facts_only))
        _refuse_other_names(options, tasks)
    _check_outputs(arguments, tasks, facts_only=facts_only)
    batch = _Batch(
        _work(arguments, options),
        Progress(len(tasks), sys.stderr),
        facts_only=facts_only,
        mask_out=_mask_out(arguments),
    )
    for task in tasks:
        batch.do(task)
    if arguments.report:
        files.write(Path(arguments.report), _as_json(batch.report()))
    return batch.exit_code()


# --- reading the command line ---------------------------------------------------------------------


def _check_outputs(arguments: argparse.Namespace, tasks: list[Task], *, facts_only: bool) -> None:
    dry = getattr(arguments, "dry_run", False)
    if arguments.output is None and not (facts_only or dry):
        raise BadOptions("There is no -o.", advice="Say where the result goes: -o result.png.")
    if not facts_only:
        for task in tasks:
            _format(task)
    told = [Path(arguments.report)] if arguments.report else []
    mask = _mask_out(arguments)
    if mask is not None:
        files.refuse_overwriting(told, [mask])
        told.append(mask)
    results = [path for task in tasks for path in task.written()]
    files.refuse_overwriting(_inputs(arguments), told + results)
    files.refuse_overwriting(results, told)


def _inputs(arguments: argparse.Namespace) -> list[Path]:
    also = (getattr(arguments, name, None) for name in ("render", "recipe", "background", "mask"))
    return [Path(name) for name in (*arguments.photos, *also) if name]


def _suffix(options: Options | None, facts_only: bool) -> str:
    """Return the suffix of results that are named after their photos."""
    return ".json" if facts_only else codec.SUFFIXES[getattr(options, "format", None) or "png"]


def _refuse_other_names(options: Options | None, tasks: list[Task]) -> None:
    """Refuse a result whose name says another format than the options do."""
    wanted: str | None = getattr(options, "format", None)
    if wanted is None:
        return
    for result in (task.result for task in tasks if task.result):
        if codec.SUFFIXES[codec.format_of(result.suffix)] != codec.SUFFIXES[wanted]:
            raise BadOptions(
                f"{result} is no name for a file of the format {wanted}.",
                advice=f"Name it {result.with_suffix(codec.SUFFIXES[wanted]).name}.",
                field="format",
            )


def _format(task: Task) -> str:
    """Return the format of a result; assets have that of their preset."""
    if task.result is None or task.assets:
        return "png"
    return codec.format_of(task.result.suffix)


def _operation(arguments: argparse.Namespace) -> Operation[Any]:
    return _wiring.operation(OPERATIONS.get(arguments.command, arguments.command))


def _options(arguments: argparse.Namespace) -> Options:
    kind = _operation(arguments).options
    recipe = _recipe(arguments) if arguments.command == "run" else {}
    options: Options = read_options(kind, recipe | assets.with_own(given(kind, arguments)))
    return options


def _work(arguments: argparse.Namespace, options: Options | None) -> Work:
    if options is None:
        return lambda data, kind: _wiring.key_alone(data, arguments.key, kind)
    operation = _operation(arguments)
    render, backdrop = _render(arguments), _backdrop(getattr(options, "background", ""))
    mask = _named(getattr(options, "mask", ""))
    return lambda data, kind: _wiring.run(
        operation, data, options, given=render, backdrop=backdrop, mask=mask, format=kind
    )


def _recipe(arguments: argparse.Namespace) -> dict[str, Any]:
    try:
        recipe = json.loads(files.read(Path(arguments.recipe)))
    except (ValueError, RecursionError):
        recipe = None
    if not isinstance(recipe, dict):
        raise BadOptions(f"{arguments.recipe} is not a JSON object.", field="recipe")
    return recipe


def _render(arguments: argparse.Namespace) -> bytes | None:
    name = getattr(arguments, "render", None)
    if name is None:
        return None
    if len(arguments.photos) > 1:
        raise BadOptions("One render fits one photo.", advice="Run each pair by itself.")
    return files.read(Path(name), _wiring.limits().max_bytes)


def _mask_out(arguments: argparse.Namespace) -> Path | None:
    """Return the file for the mask, where one is wanted."""
    name = getattr(arguments, "mask_out", None)
    if name is None:
        return None
    if len(arguments.photos) > 1:
        raise BadOptions("One mask file fits one photo.", advice="Run each photo by itself.")
    if Path(name).suffix.lower() != ".png":
        raise BadOptions("A mask is written as PNG.", advice="Name it mask.png.")
    return Path(name)


def _backdrop(background: str) -> bytes | None:
    """Return the bytes of a background that is a picture's name."""
    plain = background in {"transparent", "blur"} or background.startswith("#")
    return _named("" if plain else background)


def _named(name: str) -> bytes | None:
    """Return the bytes of a picture that an option names; None for no name."""
    if not name:
        return None
    try:
        return files.read(Path(name), _wiring.limits().max_bytes)
    except StudioError as error:
        error.message = f"{name}: {error.message}"
        raise


# --- working --------------------------------------------------------------------------------------


@dataclass
class _Batch:
    """Does one photo after the other and remembers how each of them went."""

    work: Work
    progress: Progress
    facts_only: bool
    mask_out: Path | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def do(self, task: Task) -> None:
        """Work on one photo; a failure is told, kept and does not stop the rest."""
        try:
            report = self._done(task)
        except StudioError as error:
            self._failed(task, error)
        except Exception as defect:  # noqa: BLE001 - no traceback reaches a user
            self._failed(task, _as_defect(defect))
        else:
            self.codes.append(DONE)
            self._keep(task, report=report.model_dump(mode="json"))
            self._tell(task, report)

    def _done(self, task: Task) -> Report:
        data = files.read(task.photo, _wiring.limits().max_bytes)
        finished = self.work(data, "png" if self.facts_only else _format(task))
        report = finished.report
        if report.decision == "planned":
            return report
        content = _as_json(report.model_dump(mode="json")) if self.facts_only else finished.picture
        if task.result is not None and content is not None:
            self._write(task, finished, content)
            if self.mask_out is not None and finished.mask is not None:
                files.write(self.mask_out, _wiring.mask_file(finished.mask))
        elif self.facts_only and content is not None:
            self.progress.clear()
            print(content.decode(), end="")
        return report

    def _write(self, task: Task, finished: Finished, content: bytes) -> None:
        made = [asset.data for asset in finished.assets] or [content]
        for path, data in zip(task.written(), made, strict=True):
            files.write(path, data)

    def _tell(self, task: Task, report: Report) -> None:
        for warning in report.warnings:
            self.progress.above(f"studio: {task.photo}: note: {' '.join(warning.split())}")
        if report.decision == "planned":
            self.progress.clear()
            print(_plan(task, report))
        self.progress.step(_outcome(task, report))

    def _failed(self, task: Task, error: StudioError) -> None:
        self.codes.append(exit_code(error))
        self._keep(task, problem=error.problem())
        self.progress.clear()
        tell(f"{task.photo}: {error.message} {error.advice}")
        self.progress.step("")

    def _keep(self, task: Task, **facts: Any) -> None:
        if task.assets:
            facts["assets"] = [str(path) for path in task.assets]
        self.told.append({"photo": str(task.photo), "result": _name(task.result), **facts})

    def report(self) -> Any:
        """Return one photo's report, or problem, as it is; of many a list that names them."""
        if len(self.told) > 1:
            return self.told
        only = self.told[0]
        return only.get("report") or only["problem"]

    def exit_code(self) -> int:
        """Return how all of it went: what they share, or that some failed."""
        codes = set(self.codes)
        return codes.pop() if len(codes) == 1 else FAILED


def _as_defect(defect: Exception) -> InternalError:
    return InternalError(
        f"The studio failed at this picture: {type(defect).__name__}: {defect}.",
        advice="That is the studio's fault; please report it.",
    )


def _outcome(task: Task, report: Report) -> str:
    if task.result is None or report.decision == "planned":
        return ""
    price = f", ${report.cost.dollars:.4f}" if report.cost.dollars else ""
    names = ", ".join(map(str, task.written()))
    return f"{task.photo} -> {names} ({report.decision}, {report.engine}{price})"


def _plan(task: Task, report: Report) -> str:
    lines = [
        f"{task.photo}: {len(report.calls)} calls of {report.engine}, ${report.cost.dollars:.4f}"
    ]
    lines += [
        f"  {call.purpose}: {call.model}, {call.width}x{call.height}, ${call.dollars:.4f}"
        for call in report.calls
    ]
    return "\n".join(lines)


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _as_json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
