"""`studio check`: pictures measured against presets, as a table for people or JSON for programs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from common import presets
from common.errors import BadOptions, StudioError
from common.operations.options import CheckOptions, read_options
from common.report import PresetCheck, Report, RuleCheck
from functions import _wiring
from studio import assets, files
from studio.command import DONE, FAILED, REFUSED, exit_code, tell
from studio.flags import given

_MARKS = {True: "pass", False: "FAIL", None: "?"}


def run(arguments: argparse.Namespace) -> int:
    """Check every picture; return 0, or 3 where anything fails that must be.

    Raises
    ------
    BadOptions
        No preset, or one that there is not.
    """
    values = assets.with_own(given(CheckOptions, arguments))
    if "preset" not in values:
        raise BadOptions(
            "There is no --preset.", advice=f"Name some of: {', '.join(presets.names())}."
        )
    options = read_options(CheckOptions, values)
    told, codes = [], set()
    if arguments.report:
        files.refuse_overwriting(map(Path, arguments.photos), [Path(arguments.report)])
    for photo in arguments.photos:
        facts, code = _one(photo, options)
        told.append({"photo": photo, **facts})
        codes.add(code)
    if arguments.report:
        files.write(Path(arguments.report), _as_json(told))
    return codes.pop() if len(codes) == 1 else _worst(codes)


def _one(photo: str, options: CheckOptions) -> tuple[dict[str, Any], int]:
    """Check one picture and tell about it; a failure does not stop the rest."""
    try:
        data = files.read(Path(photo), _wiring.limits().max_bytes)
        report = _wiring.run(_wiring.operation("check"), data, options).report
    except StudioError as error:
        tell(f"{photo}: {error.message} {error.advice}")
        return {"problem": error.problem()}, exit_code(error)
    sys.stdout.write(table(photo, report))
    failed = any(checked.passed is False for checked in report.checks)
    return {"report": report.model_dump(mode="json")}, REFUSED if failed else DONE


def _worst(codes: set[int]) -> int:
    """Return the code of several pictures: that some fail a must, or that some failed otherwise."""
    return REFUSED if codes == {DONE, REFUSED} else FAILED


def _as_json(told: list[dict[str, Any]]) -> bytes:
    """Return one picture's report, or problem, as it is; of many a list that names them."""
    only = told[0].get("report") or told[0].get("problem")
    value = told if len(told) > 1 else only
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


# --- the table ------------------------------------------------------------------------------------


def table(photo: str, report: Report) -> str:
    """Return what was found, rule by rule, what fails first."""
    if report.decision == "planned":
        dollars = report.cost.dollars
        return f"{photo}: {len(report.calls)} calls of {report.engine}, ${dollars:.4f}\n"
    lines = [photo]
    for checked in report.checks:
        lines += ["", f"  {checked.title} ({checked.preset}): {_verdict(checked)}"]
        for rule in sorted(checked.rules, key=_gravity):
            lines += _rows(rule)
    return "\n".join(lines) + "\n"


def _verdict(checked: PresetCheck) -> str:
    """Return how it went; that the place of publication accepts it nobody here can say."""
    musts = [rule for rule in checked.rules if rule.level == "must"]
    failed = sum(rule.passed is False for rule in musts)
    unknown = sum(rule.passed is None for rule in musts)
    if failed:
        return f"{failed} of {len(musts)} musts fail"
    held = f"{len(musts) - unknown} of {len(musts)} musts hold"
    return f"{held}, {unknown} could not be measured" if unknown else held


def _gravity(rule: RuleCheck) -> tuple[bool, bool, bool]:
    return rule.passed is True, rule.level != "must", rule.passed is None


def _rows(rule: RuleCheck) -> list[str]:
    name = rule.rule.replace("_", " ")
    rows = [f"    {_MARKS[rule.passed]:4}  {rule.level:6}  {name:13}  {rule.measured}"]
    if rule.passed is not True:
        rows += [f"{'':33}needs {rule.required}", f"{'':33}{rule.fix}"]
    return [row.rstrip() for row in rows]
