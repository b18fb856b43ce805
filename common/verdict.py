"""What a quality gate says of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """Scores, and the sentences that follow from them.

    Attributes
    ----------
    scores
        Named figures; what each means and its range stand where it is measured.
    refusals
        Why the result must not be passed off as good; empty means accepted.
    warnings
        What the user should look at all the same.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against the result."""
        return not self.refusals
