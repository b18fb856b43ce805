"""Cutout: the subject alone, with real transparency and the photo's own pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from common import matting
from common.composite import over
from common.errors import ModelError, NothingFound, Parked, UnfitRender
from common.geometry import Box, box_from_2d, box_to_2d, whole
from common.image import OPAQUE, U8, Image
from common.matting import KEYS, Key, Matte, choose_key, find_key
from common.operations import backgrounds, detect, transparent
from common.operations.base import Models, Operation, Outcome
from common.operations.framing import frame_for, framed, subject_box
from common.operations.ladder import Attempt, Climb, climb, settle
from common.operations.options import CutoutOptions
from common.operations.pairs import LEAST_AGREEMENT, agreed, of_both
from common.operations.record import Record, facts
from common.operations.subjects import MOST, Part, apart, crop_around, together
from common.prompts import fill
from common.vlm.base import Ask, Detection, Find, OnBacking, Quality, Render, VisionModel

_REFLECTED = (
    "A polished part of the subject mirrors the backing; its outline there was seen in the photo "
    "by the embedded engine."
)


@dataclass(frozen=True)
class CutoutPlan:
    """What to send, decided before the model is asked for a picture.

    Attributes
    ----------
    crop
        The part of the photo that the model sees, in pixels of the photo.
    subject
        The subject in words; empty for the main one.
    key
        The backing to ask for.
    material
        ``opaque``, ``translucent``, ``fine`` or empty where unknown.
    quality
        Of the render.
    """

    crop: Box
    subject: str
    key: Key
    material: str = ""
    quality: Quality = "standard"

    def facts(self, image: Image) -> dict[str, object]:
        """Return the plan as the report shows it."""
        return {
            "crop": list(box_to_2d(self.crop, image.size)),
            "crop_pixels": [self.crop.top, self.crop.left, self.crop.bottom, self.crop.right],
            "subject": self.subject,
            "key": self.key.name,
            "material": self.material,
            "quality": self.quality,
        }


# --- plan, request, compose -----------------------------------------------------------------------


def plan(image: Image, options: CutoutOptions, crop: Box, found: str = "") -> CutoutPlan:
    """Decide key colour and material for a crop; `found` is the material that detection told."""
    key = choose_key(image.rgb[crop.slices]) if options.key == "auto" else KEYS[options.key]
    material = found if options.material == "auto" else options.material
    return CutoutPlan(crop, options.subject, key, material, options.quality)


def request(image: Image, cutout: CutoutPlan) -> Render:
    """Return the wish for the subject on the key's backing."""
    words = f"the {cutout.subject}" if cutout.subject else "the main subject"
    prompt = fill("cutout", subject=words, key_name=cutout.key.name, key_hex=cutout.key.hex)
    intent = OnBacking(cutout.key.rgb, cutout.subject)
    return Render(_seen(image, cutout), intent, prompt, cutout.quality)


def compose(image: Image, render: Image, cutout: CutoutPlan) -> Matte:
    """Return the crop's matte, at the photo's full resolution.

    Raises
    ------
    UnfitRender
        The render cannot be one of this crop.
    """
    return matting.cut(_seen(image, cutout).rgb, render.rgb, cutout.key, cutout.material)


def _laid(image: Image, matte: Matte, cutout: CutoutPlan) -> Image:
    """Return the crop with a matte's colour and alpha, no more opaque than it was."""
    source = image.crop(cutout.crop)
    return replace(source, rgb=matte.rgb, alpha=_within(matte.alpha, source.alpha))


def _seen(image: Image, cutout: CutoutPlan) -> Image:
    """Return the crop as the model sees it: transparent sources stand on white."""
    return over(image.crop(cutout.crop), np.array(backgrounds.WHITE, np.uint8))


def _within(alpha: U8, source: U8 | None) -> U8:
    """Return the matte's alpha times the alpha that the source brought."""
    if source is None:
        return alpha
    product = alpha.astype(np.uint16) * source + OPAQUE // 2
    return (product // OPAQUE).astype(np.uint8)


# --- run ------------------------------------------------------------------------------------------


def run(
    image: Image,
    options: CutoutOptions,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    """Cut the subject out; on the way down the ladder until a result is good enough."""
    del mask
    record = Record("cutout", image)
    backgrounds.check(options.background, backdrop)
    if not models.brought and transparent.is_cut_out(image, options):
        if options.dry_run:
            return record.planned(transparent.ENGINE)
        return _presented(image, transparent.as_it_is(record, image), options, backdrop)
    if options.dry_run:
        return _planned(record, image, options, models)
    plans = _plans(record, image, options, models)
    climbed = [*_climbs(record, image, plans, options, models)]
    parts = [Part(cutout.crop, each) for cutout, each in zip(plans, climbed, strict=False)]
    outcome = settle(record, image, together(image, parts), options.on_fail)
    return _presented(image, outcome, options, backdrop)


def _climbs(
    record: Record, image: Image, plans: list[CutoutPlan], options: CutoutOptions, models: Models
) -> Iterator[Climb]:
    """Climb for one crop after the other; where one failure decides, nothing more is paid.

    Where renders wait for a batch, those of all crops are asked for before the run ends.
    """
    parked: Parked | None = None
    for cutout in plans:
        rungs = _Rungs(record, image, models, is_key_open=models.brought and options.key == "auto")
        try:
            climbed = climb(record, rungs.from_first(cutout), rungs.attempt, models)
        except Parked as waiting:
            parked = waiting
            continue
        yield climbed
        if options.on_fail != "review" and not any(a.verdict.accepted for a in climbed.attempts):
            break
    if parked:
        raise parked


@dataclass
class _Rungs:
    """The rungs for one crop, and what they gave, since one of them is made of two others."""

    record: Record
    image: Image
    models: Models
    is_key_open: bool  # the render was brought, and nobody said on which key
    made: list[Attempt] = field(default_factory=list)

    def from_first(self, first: CutoutPlan) -> Iterator[tuple[VisionModel, CutoutPlan | _Both]]:
        """Give the chosen key, another one, both together, then the fallback engine."""
        for model in self.models.in_turn():
            yield model, first
            if model is not self.models.chosen or self.models.brought:
                continue
            yield model, replace(first, key=_another(first.key))
            if len(self.made) == 2:  # both gave a picture, and neither was good enough
                yield model, _Both(self.made[0], self.made[1])

    def attempt(self, model: VisionModel, wanted: CutoutPlan | _Both) -> Attempt:
        """Make one attempt and remember it."""
        latest = wanted.attempt() if isinstance(wanted, _Both) else self._rendered(model, wanted)
        self.made.append(latest)
        return latest

    def _rendered(self, model: VisionModel, cutout: CutoutPlan) -> Attempt:
        rendered = self.record.render(model, request(self.image, cutout))
        with self.record.stage("compose"):
            if self.is_key_open:
                cutout = replace(cutout, key=find_key(rendered.image.rgb))
            matte = compose(self.image, rendered.image, cutout)
        matte = self._witnessed(matte, cutout, model)
        return Attempt(
            image=_laid(self.image, matte, cutout),
            verdict=matte.verdict,
            engine=rendered.usage.engine,
            key=cutout.key.name,
            vouched=not rendered.low_confidence,
            plan=cutout.facts(self.image),
        )

    def _witnessed(self, matte: Matte, cutout: CutoutPlan, model: VisionModel) -> Matte:
        """Return the matte with what a polished part hid, if who looks at the photo alone sees it.

        A help and not a need: without such an engine, or where it sees another subject, the matte
        stays as it is, and warns.
        """
        if matte.reflections is None or not matte.verdict.accepted:
            return matte
        other = self._seen_in_photo(cutout, model)
        if other is None or agreed(matte.alpha, other.alpha) < LEAST_AGREEMENT:
            return matte
        mended = matting.witnessed(matte, other)
        if not np.array_equal(mended.alpha, matte.alpha):
            self.record.warnings.append(_REFLECTED)
        return mended

    def _seen_in_photo(self, cutout: CutoutPlan, model: VisionModel) -> Matte | None:
        """Return the free engine's own matte, or None where there is none that is good."""
        witness = self.models.fallback
        if witness is None or witness.engine == model.engine:
            return None
        wish = request(self.image, replace(cutout, subject=""))  # it understands no words
        try:
            if witness.quote(wish).dollars > 0:
                return None
            rendered = self.record.render(witness, wish)
            with self.record.stage("compose"):
                other = compose(self.image, rendered.image, cutout)
        except (ModelError, UnfitRender):
            return None
        is_good = other.verdict.accepted and not rendered.low_confidence
        return other if is_good else None


@dataclass(frozen=True)
class _Both:
    """A rung that asks nobody: what two renders agree on."""

    first: Attempt
    second: Attempt

    def attempt(self) -> Attempt:
        """Compose from both."""
        return of_both(self.first, self.second)


def _presented(
    photo: Image, outcome: Outcome, options: CutoutOptions, backdrop: Image | None
) -> Outcome:
    """Put the cutout into its frame and onto its background; an original stays what it is."""
    cutout = outcome.image
    if cutout is None or cutout.alpha is None or outcome.report.decision == "original":
        return outcome
    frame = frame_for(subject_box(cutout.alpha), cutout.size, options)
    behind = backgrounds.ground(options.background, photo, cutout.alpha, frame, backdrop)
    shown = framed(cutout, frame)
    shown = backgrounds.with_shadow(shown) if options.shadow else shown
    shown = shown if behind is None else over(shown, behind)
    plan = outcome.report.plan | {"frame": [frame.top, frame.left, frame.bottom, frame.right]}
    told = outcome.report.model_copy(update={"plan": plan, "result": facts(shown)})
    return Outcome(shown, told)


def _another(key: Key) -> Key:
    """Return the key to try when `key` did not do: magenta, or green after magenta."""
    return KEYS["green"] if key.name == "magenta" else KEYS["magenta"]


def _plans(
    record: Record, image: Image, options: CutoutOptions, models: Models
) -> list[CutoutPlan]:
    """Return what to have rendered: the box, the whole photo, or each found subject by itself."""
    if options.box is not None or models.brought:
        return [plan(image, options, _given_crop(image, options, models))]
    detections = record.ask(models.chosen, _subject(image, options))
    subjects = [found for found in detections if found.kind == "object"]
    if not subjects:
        raise NothingFound(
            f"No {options.subject or 'subject'} was found in the picture.",
            advice="Say in other words what to cut out, or give its box.",
        )
    boxes = [box_from_2d(found.box_2d, image.size) for found in subjects]
    plans = [
        plan(image, options, crop_around(group.box, image.size), _material(group.of(subjects)))
        for group in apart(boxes, image.size)
    ]
    if len(plans) > 1:
        for cutout in plans:
            record.quote("render", models.chosen, request(image, cutout))
    return plans


def _given_crop(image: Image, options: CutoutOptions, models: Models) -> Box:
    """Return the crop that needs no detection; a brought render shows its box exactly."""
    if options.box is None:
        return whole(image.size)
    box = box_from_2d(options.box, image.size)
    return box if models.brought else crop_around(box, image.size)


def _subject(image: Image, options: CutoutOptions) -> Ask[detect.Detections]:
    return detect.request(image, Find(options.subject, objects=True, text=False))


def _material(subjects: list[Detection]) -> str:
    """Return the least solid material among the subjects: one wrongly solid glass ruins the set."""
    materials = {found.material for found in subjects}
    return next((name for name in ("translucent", "fine", "opaque") if name in materials), "")


def _planned(record: Record, image: Image, options: CutoutOptions, models: Models) -> Outcome:
    """Quote the calls; without detection the crop is taken to be the whole photo."""
    cutout = plan(image, options, _given_crop(image, options, models))
    found = options.box is None and not models.brought
    if found:
        record.quote("detect", models.chosen, _subject(image, options))
    record.quote("render", models.chosen, request(image, cutout))
    if found and record.calls[-1].dollars:
        record.warnings.append(
            f"Things that stand apart are rendered one by one, at most {MOST}; "
            "this plan is for one."
        )
    return record.planned(models.chosen.engine, plan=cutout.facts(image))


CUTOUT = Operation("cutout", "Cut the subject out with real transparency.", CutoutOptions, run)
