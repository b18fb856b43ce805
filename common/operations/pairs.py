"""Two renders of one crop on two keys: what they agree on may be good where neither is alone.

A gate doubts a solid or redrawn subject sooner than hair, since one render of it might show another
outline.  Two renders that were made independently and agree on the outline answer that doubt; they
answer no other, and so the result is for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import cv2
import numpy as np

from common.geometry import Size
from common.image import F32, U8
from common.matting import gates
from common.operations.ladder import Attempt
from common.verdict import Verdict

LEAST_AGREEMENT = 0.85  # correlation of the two alphas

_WORK = 1024  # px, longest side at which they are compared
_HIGH_IS_GOOD = {"backing", "alignment", "texture", "solidity", "subject"}
_OUTLINE_VOUCHED = {"solidity": 0.0}  # as of hair: of it the gate asks least alignment


def of_both(first: Attempt, second: Attempt) -> Attempt:
    """Return one attempt made of two at the same crop: the larger alpha, with its colour."""
    one, two = _alpha(first), _alpha(second)
    agreement = agreed(one, two)
    rgb = np.where((one >= two)[..., None], first.image.rgb, second.image.rgb)
    return replace(
        first,
        image=replace(first.image, rgb=rgb, alpha=np.maximum(one, two)),
        verdict=_verdict((first.verdict, second.verdict), agreement),
        key=f"{first.key} + {second.key}",
        vouched=False,
        plan=first.plan | {"key": f"{first.key} + {second.key}"},
    )


def agreed(one: U8, two: U8) -> float:
    """Return the correlation of two alphas, uint8 (H, W), in -1..1; 0 where one has no outline."""
    a, b = _small(one), _small(two)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).mean() * (b * b).mean()))
    return float((a * b).mean()) / spread if spread > 0 else 0.0


def worst(all_scores: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return of every gate's score the worst."""
    out: dict[str, float] = {}
    for scores in all_scores:
        for name, score in scores.items():
            worse = min if name in _HIGH_IS_GOOD else max
            out[name] = worse(score, out.get(name, score))
    return out


def _verdict(verdicts: tuple[Verdict, Verdict], agreement: float) -> Verdict:
    scores = worst(verdict.scores for verdict in verdicts)
    lenient = [gates.verdict({**verdict.scores, **_OUTLINE_VOUCHED}) for verdict in verdicts]
    refusals = [f"Two renders do not help: {text}" for each in lenient for text in each.refusals]
    if agreement < LEAST_AGREEMENT:
        refusals.append(
            f"The two renders disagree about the outline (agreement {agreement:.2f}, "
            f"at least {LEAST_AGREEMENT} is needed)."
        )
    told = "No render was good enough alone; this is made of two that agree. Look at its edge."
    return Verdict(
        scores | {"agreement": round(agreement, 4)},
        tuple(dict.fromkeys(refusals)),
        (told, *gates.verdict(scores).warnings),
    )


def _alpha(attempt: Attempt) -> U8:
    """Return the attempt's alpha; a cutout has one."""
    alpha = attempt.image.alpha
    return np.full(attempt.image.rgb.shape[:2], 255, np.uint8) if alpha is None else alpha


def _small(alpha: U8) -> F32:
    size = Size(alpha.shape[1], alpha.shape[0]).within(_WORK)
    out: U8 = cv2.resize(alpha, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out.astype(np.float32)
