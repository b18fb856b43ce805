"""Check: whether a picture is what a place of publication asks for, rule by rule.

It tells what was measured; it never says that anybody will accept the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.image import Image
from common.operations.base import Models, Operation, Outcome
from common.operations.detect import Detections
from common.operations.evidence import Evidence, gather
from common.operations.options import CheckOptions
from common.operations.record import Record, facts
from common.operations.rules import measure
from common.presets import Preset, Rule, Text, Watermark
from common.prompts import fill
from common.report import PresetCheck, RuleCheck
from common.vlm.answers import DETECTION_SCHEMA, read_detections
from common.vlm.base import Ask, Find

SHOWN = (
    "the product that is being shown, every line of writing, and every watermark, badge and sticker"
)
_LOOKED_FOR = (Text, Watermark)  # rules that only a model's eyes can answer


def request(image: Image, *, objects: bool = True) -> Ask[Detections]:
    """Return the question for subject, writing and marks; engines without words find the same.

    Parameters
    ----------
    objects
        Whether an engine that finds things apart from writing should look for them too.
    """
    return Ask(
        image=image,
        intent=Find(objects=objects),
        prompt=fill("detect", query=SHOWN),
        schema=DETECTION_SCHEMA,
        read=lambda text: read_detections(text, image.size),
    )


def needs_a_look(presets: Sequence[Preset]) -> bool:
    """Whether any rule asks for what only a model sees."""
    return any(isinstance(rule, _LOOKED_FOR) for preset in presets for rule in preset.rules)


def compose(image: Image, presets: Sequence[Preset], found: Detections | None) -> list[PresetCheck]:
    """Measure a picture against presets.

    Parameters
    ----------
    found
        What a model found in it; None where none was asked.
    """
    seen = gather(image, found)
    return [_against(preset, seen) for preset in presets]


def run(
    image: Image,
    options: CheckOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Check a picture; the outcome is the report's checks, without a picture."""
    del backdrop, mask
    record = Record("check", image)
    ask = request(image) if needs_a_look(options.preset) else None
    if options.dry_run:
        if ask is not None:
            record.quote("detect", models.chosen, ask)
        return record.planned(models.chosen.engine)
    found = None if ask is None else record.ask(models.chosen, ask)
    with record.stage("check"):
        checks = compose(image, options.preset, found)
    return Outcome(None, record.report(models.chosen.engine, checks=checks))


def _against(preset: Preset, seen: Evidence) -> PresetCheck:
    rules = [_checked(rule, seen) for rule in preset.rules]
    return PresetCheck(
        preset=preset.name,
        title=preset.title,
        version=preset.version,
        passed=_together([rule for rule in rules if rule.level == "must"]),
        result=facts(seen.image),
        bytes=seen.image.provenance.file_bytes,
        rules=rules,
    )


def _checked(rule: Rule, seen: Evidence) -> RuleCheck:
    measured = measure(rule, seen)
    return RuleCheck(
        rule=rule.rule,
        level=rule.level,
        passed=measured.passed,
        measured=measured.measured,
        required=measured.required,
        fix=measured.fix,
        source=rule.source,
        date=rule.date.isoformat(),
        note=rule.note,
    )


def _together(rules: list[RuleCheck]) -> bool | None:
    """Return False where any failed, None where any could not be measured, else True."""
    if any(rule.passed is False for rule in rules):
        return False
    return None if any(rule.passed is None for rule in rules) else True


CHECK = Operation("check", "Check a picture against marketplace presets.", CheckOptions, run)
