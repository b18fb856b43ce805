"""What a job is, and what it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from common.store import Bucket

MATHS_VERSION = 4  # raise it when the same input and options would give another picture


@dataclass(frozen=True)
class Buckets:
    """Where pictures come from, where work is noted, where results go."""

    input: Bucket
    work: Bucket
    output: Bucket


@dataclass(frozen=True)
class Source:
    """One generation of one object."""

    bucket: str
    name: str
    generation: int

    def facts(self) -> dict[str, str]:
        """Describe it for a result; the generation as text, since JSON's numbers are too short."""
        return {**asdict(self), "generation": str(self.generation)}


@dataclass(frozen=True)
class Job:
    """One operation on one object.

    What the operator sets is no part of a job's identity: the engine where the options name none,
    models and their sizes.  Switching from the embedded engine to Gemini does not silently pay for
    thousands of inputs that have their results; it holds for what is dropped from then on.  Who
    wants old inputs anew names the engine in the options, or drops them again.

    Attributes
    ----------
    operation
        The operation's name.
    source
        The picture.
    options
        The options in full, as JSON values: two ways to say the same must have become one.
    recipe
        Where options came from, for the record; what it says is in `options`.
    backdrop
        The picture behind a cutout, where the options name one.
    mask
        The picture that says what is to go, where the options name one.
    version
        Of the maths.
    """

    operation: str
    source: Source
    options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Source | None = None
    backdrop: Source | None = None
    mask: Source | None = None
    version: int = MATHS_VERSION

    def digest(self) -> str:
        """Return the job's identity in hex."""
        backdrop = self.backdrop.facts() if self.backdrop else None
        identity = [self.operation, self.source.facts(), self.options, backdrop, self.version]
        if self.mask:
            identity.append(self.mask.facts())
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """Describe the input for a result."""
        facts: dict[str, Any] = {**self.source.facts(), "options": dict(self.options)}
        if self.recipe:
            facts["recipe"] = self.recipe.facts()
        if self.backdrop:
            facts["backdrop"] = self.backdrop.facts()
        if self.mask:
            facts["mask"] = self.mask.facts()
        return facts


@dataclass(frozen=True)
class Made:
    """What a run made.

    Attributes
    ----------
    picture
        A file's bytes; None where the operation answers with facts, or failed.
    content_type, suffix
        Of the picture; the suffix with its dot.
    report
        JSON values.
    failed
        The report is a problem document.
    """

    picture: bytes | None
    content_type: str
    suffix: str
    report: Mapping[str, Any]
    failed: bool = False
