"""Twins: whether the subject of a photo was painted a second time into the new area.

A second product bears the first one's marks, in one place, at about its size, perhaps mirrored.
What looks alike because it is the scene's own texture, or one more of many on a shelf, looks like
something else in the photo at least as much: such marks do not count.

References
----------
Lowe: Distinctive Image Features from Scale-Invariant Keypoints (2004), sections 7.1 to 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from common.geometry import Box, Size
from common.image import F32, U8, Mask
from common.matting.registration import grey

SECOND = 4.0  # marks found again: honest scenes have none
SURELY_SECOND = 6.0

_SUBJECT, _CANVAS = 144, 720  # px, longer sides of subject and canvas where marks are compared
_MOST_MARKS = 1500
_CONTRAST = 0.02  # half the usual: products are smooth
_LEAST = 5  # marks; fewer agree by chance
_OWN = 0.85  # of the distance to the likest mark elsewhere in the photo
_ALIKE = 300.0  # distance of two marks beyond which they show nothing alike
_MISS = 4.0  # px from the similarity on which the marks agree
_SCALES = (0.5, 1.7)
_TURN = np.radians(25)
_FLAT = 1.0  # levels of deviation: below it correlation means nothing

Points = NDArray[np.float32]  # (n, 2): columns and rows


@dataclass(frozen=True, eq=False)
class _Marks:
    """SIFT features: where they are, and what they look like (n, 128)."""

    at: Points
    looks: F32

    @staticmethod
    def of(gray: U8) -> _Marks:
        """Find the features of a picture (h, w)."""
        sift = cv2.SIFT.create(_MOST_MARKS, contrastThreshold=_CONTRAST)
        keys, looks = sift.detectAndCompute(gray, None)
        if looks is None:
            return _Marks(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
        return _Marks(np.array([key.pt for key in keys], np.float32), looks)

    def where(self, mask: Mask) -> _Marks:
        """Return some of them."""
        return _Marks(self.at[mask], self.looks[mask])

    def inside(self, box: Box) -> Mask:
        """Return which of them lie in a box, bool (n,)."""
        x, y = self.at.T
        inside: Mask = (x >= box.left) & (x < box.right) & (y >= box.top) & (y < box.bottom)
        return inside


def second_subject(picture: U8, frame: Box, subjects: Sequence[Box]) -> float:
    """Return how surely a subject of the photo is there again outside of it.

    Parameters
    ----------
    picture
        The canvas, uint8 (H, W, 3).
    frame
        Where the photo stands.
    subjects
        Boxes on the canvas, inside the frame.

    Returns
    -------
    The number of the subject's marks found again in one place, times the correlation of the pixels
    there; 0 where there is nothing of the kind.  Of several subjects that of the worst.  A subject
    without marks, such as a plain white cup, cannot be told.
    """
    return max((_score(picture, frame, subject) for subject in subjects), default=0.0)


def _score(picture: U8, frame: Box, subject: Box) -> float:
    size = Size(picture.shape[1], picture.shape[0])
    scale = min(1.0, _SUBJECT / subject.size.longest, _CANVAS / size.longest)
    small = size.scaled(scale)
    gray = grey(cv2.resize(picture, (small.width, small.height), interpolation=cv2.INTER_AREA))
    box, known = _scaled(subject, scale, small), _scaled(frame, scale, small)
    marks = _Marks.of(gray)
    in_photo, in_subject = marks.inside(known), marks.inside(box)
    new, others = marks.where(~in_photo), marks.where(in_photo & ~in_subject)
    crop = np.ascontiguousarray(gray[box.slices])
    looks = [_Look(gray, crop), _Look(gray, np.ascontiguousarray(crop[:, ::-1]))]
    score = max(look.found_again(new, others) for look in looks)
    if score < SECOND or max(look.found_again(others) for look in looks) < SECOND:
        return score
    return 0.0  # the photo itself shows several: one more of them is the scene's


def _scaled(box: Box, scale: float, size: Size) -> Box:
    top, left = round(box.top * scale), round(box.left * scale)
    bottom, right = min(round(box.bottom * scale), size.height), round(box.right * scale)
    return Box(top, left, max(bottom, top + 1), max(min(right, size.width), left + 1))


@dataclass(frozen=True, eq=False)
class _Look:
    """One look of the subject (h, w), to be found in a picture (H, W); both gray."""

    picture: U8
    pixels: U8

    @cached_property
    def marks(self) -> _Marks:
        """Its marks."""
        return _Marks.of(self.pixels)

    def found_again(self, there: _Marks, others: _Marks | None = None) -> float:
        """Return the score of this look among marks of the picture that are not liker others'."""
        if min(len(self.marks.at), len(there.at)) < _LEAST:
            return 0.0
        distance, nearest = _nearest(there, self.marks)
        elsewhere = np.float32(np.inf) if others is None else _nearest(there, others)[0]
        clear = (distance < _OWN * elsewhere) & (distance < _ALIKE)
        if int(clear.sum()) < _LEAST:
            return 0.0
        here, places = self.marks.at[nearest[clear]], there.at[clear]
        similarity, agreeing = cv2.estimateAffinePartial2D(
            here, places, method=cv2.RANSAC, ransacReprojThreshold=_MISS
        )
        if similarity is None or not _is_plausible(similarity):
            return 0.0
        found = np.unique(here[agreeing.ravel() > 0], axis=0)
        if len(found) < _LEAST:
            return 0.0
        alike = _correlation(self.picture, self.pixels, similarity, found)
        return len(found) * max(0.0, alike)


def _nearest(marks: _Marks, among: _Marks) -> tuple[F32, NDArray[np.intp]]:
    """Return for each mark the distance of the likest one of others, and which that is."""
    if not len(among.at):
        nobody = np.zeros(len(marks.at), np.intp)
        return np.full(len(marks.at), np.inf, np.float32), nobody
    pairs = cv2.BFMatcher().match(marks.looks, among.looks)
    distance = np.array([pair.distance for pair in pairs], np.float32)
    return distance, np.array([pair.trainIdx for pair in pairs], np.intp)


def _is_plausible(similarity: NDArray[np.float64]) -> bool:
    cosine, sine = similarity[0, 0], similarity[1, 0]
    is_upright = abs(float(np.arctan2(sine, cosine))) < _TURN
    return _SCALES[0] < float(np.hypot(cosine, sine)) < _SCALES[1] and is_upright


def _correlation(gray: U8, look: U8, similarity: NDArray[np.float64], found: Points) -> float:
    """Return how alike the subject and what is there are, where marks were found, -1..1."""
    size = (look.shape[1], look.shape[0])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there: U8 = cv2.warpAffine(gray, similarity, size, flags=how)
    painted: U8 = cv2.warpAffine(np.full_like(gray, 255), similarity, size, flags=how)
    left, top = np.floor(found.min(0)).astype(int)
    right, bottom = np.floor(found.max(0)).astype(int) + 1
    part = (slice(top, bottom), slice(left, right))
    seen = painted[part] == np.uint8(255)
    a, b = (values[part][seen].astype(np.float32) for values in (look, there))
    if not a.size or min(float(a.std()), float(b.std())) < _FLAT:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
