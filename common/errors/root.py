"""The root of all failures: what every one of them tells.

Each failure says whose fault it is and what to do next.  The class carries what the doors need:
a stable ``code``, the HTTP ``status``, whether trying again can help, and whether money was spent.
Everything that leaves an operation on purpose is a `StudioError`; anything else is a defect.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Charged = Literal["no", "yes", "maybe"]


class StudioError(Exception):
    """The root: a failure with a plain sentence for the person who caused or meets it.

    Parameters
    ----------
    message
        One sentence: what happened, and whose doing it was.
    advice
        One sentence: what to do next.  Empty when the message already says it.
    field
        The name of the option or form field at fault, if one is.
    retry_after
        Seconds after which trying again makes sense, if the other side named a time.
    details
        Further members for the problem document; JSON values only.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The studio failed"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    charged: ClassVar[Charged] = "no"

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        field: str | None = None,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.field = field
        self.retry_after = retry_after
        self.details = dict(details or {})

    def __str__(self) -> str:
        return self.message

    def problem(self) -> dict[str, Any]:
        """Describe the failure as a problem document (RFC 9457), without a request id."""
        document: dict[str, Any] = {
            "type": f"/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": " ".join(part for part in (self.message, self.advice) if part),
            "code": self.code,
            "retryable": self.retryable,
            "charged": self.charged,
        }
        if self.field is not None:
            document["field"] = self.field
        if self.retry_after is not None:
            document["retry_after"] = self.retry_after
        return document | self.details


class InternalError(StudioError):
    """A defect of the studio itself, told without its insides.

    Report the `request_id`: it finds the failure in the log.
    """
