"""What the studio itself made of it: no good result, or no proper set-up."""

from __future__ import annotations

from common.errors.root import StudioError


class GateRefused(StudioError):
    """Every rung of the ladder was tried and no result was good enough to be passed off as one.

    Name the subject or its box, bring another photo, or take the best attempt with
    `on_fail=review`.
    """

    code = "gate-refused"
    title = "No result was good enough"
    status = 422


class Misconfigured(StudioError):
    """A setting is missing or makes no sense; the operator must mend it.

    Tell the operator; `studio doctor` says what to mend.
    """

    code = "misconfigured"
    title = "The studio is not set up for this"


class Crowded(StudioError):
    """More requests came than this instance can work on; nothing of this one was begun.

    Wait as long as `Retry-After` says; or use `Prefer: respond-async`, which queues.
    """

    code = "crowded"
    title = "Too many requests at a time"
    status = 429
    retryable = True


class StillWorking(StudioError):
    """A request with the same Idempotency-Key is being worked on.

    Ask again in a moment: the reply of the first request will be given.
    """

    code = "still-working"
    title = "The same request is being worked on"
    status = 409
    retryable = True


class ReplyTooLarge(StudioError):
    """The result has more bytes than a reply may have, and there is no bucket to put it.

    Ask for `image/webp` or `image/jpeg`, or have the operator set `STUDIO_WORK_BUCKET`.
    """

    code = "reply-too-large"
    title = "The result is too large for a reply"
    status = 422
