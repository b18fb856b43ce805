"""Several subjects in one photo: which are rendered together, and how their cutouts become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np

from common.geometry import Box, Size, with_margin
from common.image import Image
from common.operations.ladder import Attempt, Climb, fidelity
from common.operations.pairs import worst
from common.verdict import Verdict

T = TypeVar("T")

MARGIN = 0.12  # of the subject's longer side: room for the backing's border and for a shift
LEAST_MARGIN = 16  # pixels
MOST = 8  # crops of one photo: each is a call that may cost money


# --- crops ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Subjects that share a crop: the box around all of them, and which they are."""

    box: Box
    members: tuple[int, ...]

    def joined(self, other: Group) -> Group:
        """Return the group of both."""
        members = tuple(sorted(self.members + other.members))
        return Group(self.box.union(other.box), members)

    def of(self, things: Sequence[T]) -> list[T]:
        """Return the members among all things."""
        return [things[member] for member in self.members]


def crop_around(box: Box, size: Size) -> Box:
    """Return the crop for the model: the box with room for a border of backing around it."""
    return with_margin(box, size, MARGIN, LEAST_MARGIN)


def apart(boxes: Sequence[Box], size: Size) -> list[Group]:
    """Return the subjects in groups so that no crop shows anything of another group's subjects.

    Parameters
    ----------
    boxes
        The subjects' boxes in a photo of `size`.

    Returns
    -------
    At most `MOST` groups, in the order of their first members; beyond that those are joined whose
    common box adds least to be rendered.
    """
    groups = [Group(box, (number,)) for number, box in enumerate(boxes)]
    while pair := _to_join(groups, size):
        groups = [group for group in groups if group not in pair] + [pair[0].joined(pair[1])]
    return sorted(groups, key=lambda group: group.members)


def _to_join(groups: list[Group], size: Size) -> tuple[Group, Group] | None:
    crops = {group: crop_around(group.box, size) for group in groups}
    for a, b in combinations(groups, 2):
        if crops[a].intersection(b.box) or crops[b].intersection(a.box):
            return a, b
    if len(groups) <= MOST:
        return None
    return min(combinations(groups, 2), key=_added)


def _added(pair: tuple[Group, Group]) -> int:
    a, b = (group.box for group in pair)
    return a.union(b).area - a.area - b.area


# --- one cutout of several ------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A crop of the photo, and how the ladder ended there; attempts show the crop alone."""

    crop: Box
    climbed: Climb

    @property
    def best(self) -> Attempt | None:
        """The accepted attempt, or else the first that gave a picture."""
        tried = self.climbed.attempts
        return max(tried, key=lambda attempt: attempt.verdict.accepted, default=None)


def together(photo: Image, parts: Sequence[Part]) -> Climb:
    """Return one attempt at the photo's size made of the best of every part.

    It is accepted where all of them are.  Where no part has a picture, neither has the whole.
    """
    made = [(part.crop, best) for part in parts if (best := part.best)]
    if not made:
        return Climb((), next((p.climbed.failure for p in parts if p.climbed.failure), None))
    attempts = [attempt for _, attempt in made]
    result = pasted(photo, [(crop, attempt.image) for crop, attempt in made])
    only = attempts[0].plan if len(parts) == 1 else None
    return Climb(
        (
            Attempt(
                image=result,
                verdict=_verdict(parts),
                engine=_named(attempt.engine for attempt in attempts),
                key=_named(attempt.key for attempt in attempts),
                vouched=all(attempt.vouched for attempt in attempts),
                fidelity=fidelity(photo, result, result.solid()),
                plan=only or {"renders": len(parts), "subjects": [a.plan for a in attempts]},
            ),
        )
    )


def pasted(photo: Image, cutouts: Iterable[tuple[Box, Image]]) -> Image:
    """Return cutouts of a photo's crops on one transparent picture of the photo's size.

    Where crops overlap the more opaque one shows; nothing stays hidden under alpha 0.
    """
    rgb = np.zeros_like(photo.rgb)
    alpha = np.zeros(photo.rgb.shape[:2], np.uint8)
    for crop, cutout in cutouts:
        own = np.uint8(255) if cutout.alpha is None else cutout.alpha
        wins = own > alpha[crop.slices]
        np.copyto(rgb[crop.slices], cutout.rgb, where=wins[..., None])
        np.copyto(alpha[crop.slices], own, where=wins)
    return replace(photo, rgb=rgb, alpha=alpha)


def _verdict(parts: Sequence[Part]) -> Verdict:
    """Return the worst of every score, and all that is said, with the number of the subject."""
    if len(parts) == 1 and (only := parts[0].best):
        return only.verdict
    refusals: list[str] = []
    warnings: list[str] = []
    for number, part in enumerate(parts, 1):
        if part.best is None:
            why = part.climbed.failure.message if part.climbed.failure else "There is no picture."
            refusals.append(f"Subject {number}: {why}")
            continue
        verdict = part.best.verdict
        refusals += [f"Subject {number}: {text}" for text in verdict.refusals]
        warnings += [f"Subject {number}: {text}" for text in verdict.warnings]
    scores = worst(part.best.verdict.scores for part in parts if part.best)
    return Verdict(scores, tuple(refusals), tuple(warnings))


def _named(names: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(names))
