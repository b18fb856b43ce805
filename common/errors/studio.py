"""What the studio itself made of it: no good result, or no proper set-up."""

from __future__ import annotations

from common.errors.root import StudioError


class GateRefused(StudioError):
    """Every rung of the ladder was tried and no result was good enough to be passed off as one."""

    code = "gate-refused"
    title = "No result was good enough"
    status = 422


class Misconfigured(StudioError):
    """A setting is missing or makes no sense; the operator must mend it."""

    code = "misconfigured"
    title = "The studio is not set up for this"
