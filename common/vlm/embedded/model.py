"""The engine that needs no key and no network.

It promises a cutout of one clear subject, most printed lines found and erased on plain or regular
surfaces, and plain backdrops carried on.  It understands no words and invents no scenery; where
that matters, its answers say so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, assert_never

import numpy as np

from common.errors import ModelUnable
from common.fields import as_float
from common.geometry import box_to_2d
from common.image import F32, Image
from common.vlm.answers import write_detections
from common.vlm.base import (
    Answer,
    Ask,
    Detection,
    Extended,
    Find,
    OnBacking,
    Quote,
    Render,
    Rendered,
    Usage,
    Without,
)
from common.vlm.embedded.erase import INPAINTING, without
from common.vlm.embedded.extend import extended
from common.vlm.embedded.objects import things_in
from common.vlm.embedded.salience import Salience
from common.vlm.embedded.sight import CLASSICAL, Sight, looked_at, on_white
from common.vlm.embedded.subject import on_backing, subject_alpha
from common.vlm.embedded.text import Line

T = TypeVar("T")

ENGINE = "embedded"


class EmbeddedModel:
    """A `VisionModel` that runs inside the process.

    Parameters
    ----------
    sight
        Which weights to look for; nothing is read before it is needed.
    """

    engine = ENGINE

    def __init__(self, sight: Sight | None = None) -> None:
        self._sight = sight or Sight()

    def ask(self, ask: Ask[T]) -> Answer[T]:
        """Find connected subjects and lines of writing; the query's words are not understood.

        Raises
        ------
        ModelUnable
            Only what the words name is wanted.
        """
        _refuse_words(ask.intent)
        found: list[Detection] = []
        names: list[str] = []
        notes = _ignored(ask.intent.query)
        if ask.intent.objects:
            with self._sight.of_subjects() as subjects:
                found += _objects(looked_at(ask.image), subjects.see)
            names, notes = [*names, subjects.name], notes + subjects.notes
        if ask.intent.text:
            with self._sight.of_text(ask.intent.sensitivity) as writing:
                found += _lines(writing.see(on_white(ask.image)), ask.image)
            names, notes = [*names, writing.name], notes + writing.notes
        value = ask.read(write_detections(found))
        return Answer(value, _usage(*names), notes)

    def render(self, render: Render) -> Rendered:
        """Make a picture of the request's size; a subject on its backing has `PIXELS` at most.

        A subject's outline is known no finer than that, and composing takes it, like every
        other engine's, to the edges of the full-size photo.

        Raises
        ------
        ModelUnable
            Nothing stands out that could be laid on a backing.
        """
        match render.intent:
            case OnBacking():
                return self._on_backing(render.image, render.intent)
            case Without():
                return _without(render.image, render.intent)
            case Extended():
                return self._extended(render.image, render.intent)
            case never:
                assert_never(never)

    def quote(self, request: Ask[Any] | Render) -> Quote:
        """Tell what a request costs: nothing.

        Raises
        ------
        ModelUnable
            Only what words name is wanted.
        """
        _refuse_words(request.intent)
        return Quote(_promised(request.intent), 0.0)

    def _on_backing(self, image: Image, intent: OnBacking) -> Rendered:
        shown = looked_at(image)
        with self._sight.of_subjects() as subjects:
            alpha = _seen(subject_alpha(shown.rgb, subjects.see), shown)
        if not alpha.any():
            raise ModelUnable(
                "The embedded engine finds nothing in this picture that stands out.",
                advice="Name the subject's box, or use another engine.",
            )
        picture = replace(shown, rgb=on_backing(shown.rgb, alpha, intent.backing), alpha=None)
        notes = _ignored(intent.subject) + subjects.notes
        return Rendered(picture, _usage(subjects.name), notes, not subjects.vouched)

    def _extended(self, canvas: Image, intent: Extended) -> Rendered:
        photo = looked_at(canvas.crop(intent.frame))
        with self._sight.of_subjects() as subjects:
            alpha = subject_alpha(photo.rgb, subjects.see)
        extension = extended(canvas.rgb, intent.frame, alpha)
        picture = replace(canvas, rgb=extension.rgb, alpha=None)
        notes = subjects.notes + extension.doubts
        return Rendered(picture, _usage(subjects.name), notes, bool(extension.doubts))


def _refuse_words(intent: object) -> None:
    if isinstance(intent, Find) and intent.named:
        raise ModelUnable(
            f"The embedded engine understands no words: it cannot find {intent.query.strip()!r}.",
            advice="Give a region or a mask, or use an engine that understands.",
        )


def _without(image: Image, intent: Without) -> Rendered:
    erasure = without(image.rgb, intent.regions, intent.hole)
    picture = replace(image, rgb=erasure.rgb)
    return Rendered(picture, _usage(*erasure.methods), erasure.doubts, bool(erasure.doubts))


def _seen(alpha: F32, image: Image) -> F32:
    """Return the subject's alpha, no more opaque than the picture's own."""
    return alpha if image.alpha is None else np.minimum(alpha, as_float(image.alpha))


def _ignored(words: str) -> tuple[str, ...]:
    if not words.strip():
        return ()
    told = f"The embedded engine understands no words: it ignored {words.strip()!r}"
    return (f"{told} and took what stands out.",)


def _usage(*names: str) -> Usage:
    return Usage(ENGINE, " + ".join(dict.fromkeys(names)) or CLASSICAL)


def _promised(intent: Find | OnBacking | Without | Extended) -> str:
    """Return the names of what the intent will be seen with, if the weights are installed."""
    sight = Sight()
    match intent:
        case Find(objects=objects, text=text):
            wanted = [sight.subject_weights.name] * objects + [sight.text_weights.name] * text
            return " + ".join(wanted) or CLASSICAL
        case OnBacking() | Extended():
            return sight.subject_weights.name
        case Without():
            return INPAINTING
        case never:
            assert_never(never)


# --- answers --------------------------------------------------------------------------------------


def _objects(image: Image, see: Salience) -> list[Detection]:
    """Return things as detections: ``subject``, or ``subject 1``, ``subject 2`` by size."""
    things = things_in(image.rgb, _seen(subject_alpha(image.rgb, see), image))
    return [
        Detection(
            box_to_2d(thing.box, image.size),
            "subject" if len(things) == 1 else f"subject {number}",
            colors=thing.colours,
            confidence=round(thing.confidence, 3),
        )
        for number, thing in enumerate(things, 1)
    ]


def _lines(lines: tuple[Line, ...], image: Image) -> list[Detection]:
    """Return lines as detections in reading order; what they say is not known."""
    ordered = sorted(lines, key=lambda line: (line.box.top, line.box.left))
    return [
        Detection(
            box_to_2d(line.box, image.size),
            f"text {number}",
            kind="text",
            confidence=round(line.confidence, 3),
        )
        for number, line in enumerate(ordered, 1)
    ]
