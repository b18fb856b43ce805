"""Every way the studio can fail, in one tree.

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
    """A defect of the studio itself, told without its insides."""


# --- what the user brought ------------------------------------------------------------------------


class BadInput(StudioError):
    """The user's picture, option or request cannot be worked with."""

    code = "bad-input"
    title = "The request cannot be worked with"
    status = 400


class BadOptions(BadInput):
    """An option is unknown, misspelt, out of range or at odds with another."""

    code = "bad-options"
    title = "An option is not understood"
    status = 422


class BadBox(BadOptions):
    """A box is empty, not finite or not four numbers."""

    code = "bad-box"
    title = "A box is not understood"


class UnsupportedPicture(BadInput):
    """The bytes are no picture of a format the studio reads."""

    code = "unsupported-picture"
    title = "The file is not a picture the studio reads"
    status = 415


class BrokenPicture(BadInput):
    """The bytes begin like a picture and cannot be decoded."""

    code = "broken-picture"
    title = "The picture is damaged"
    status = 422


class PictureTooLarge(BadInput):
    """The picture has more bytes or pixels than the limits allow; nothing was decoded."""

    code = "picture-too-large"
    title = "The picture is too large"
    status = 413


class UnfitRender(BadInput):
    """A render made elsewhere does not fit the photo: other ratio, one pixel wide, one colour."""

    code = "unfit-render"
    title = "The render does not fit the photo"
    status = 422


class NothingFound(BadInput):
    """No subject, or no text, was found where the operation needs one."""

    code = "nothing-found"
    title = "Nothing to work on was found"
    status = 422


class MethodNotAllowed(BadInput):
    """The path exists and does not speak this HTTP method."""

    code = "method-not-allowed"
    title = "This path does not speak that method"
    status = 405


class UnknownPath(BadInput):
    """There is nothing at this path."""

    code = "unknown-path"
    title = "There is nothing at this path"
    status = 404


class NotAcceptable(BadInput):
    """None of the types that the caller accepts can be given."""

    code = "not-acceptable"
    title = "No acceptable type can be given"
    status = 406


class UnsupportedBody(BadInput):
    """The request's body is neither multipart form data nor JSON."""

    code = "unsupported-body"
    title = "The body's type is not understood"
    status = 415


class ForbiddenAddress(BadInput):
    """The picture's address is private, not https, or of a bucket that is not allowed."""

    code = "forbidden-address"
    title = "The picture may not be fetched from there"
    status = 403


class FetchFailed(BadInput):
    """The picture's address did not give a picture."""

    code = "fetch-failed"
    title = "The picture could not be fetched"
    status = 422


# --- what the result is worth ---------------------------------------------------------------------


class GateRefused(StudioError):
    """Every rung of the ladder was tried and no result was good enough to be passed off as one."""

    code = "gate-refused"
    title = "No result was good enough"
    status = 422


# --- what the model did ---------------------------------------------------------------------------


class ModelError(StudioError):
    """The model, or the way to it, failed."""

    code = "model-failed"
    title = "The model failed"
    status = 502
    charged: ClassVar[Charged] = "maybe"  # what is not known to be free is not called free


class ModelCredentials(ModelError):
    """The model's provider did not accept our credentials (401, 403)."""

    code = "model-credentials"
    title = "The model does not accept the credentials"
    status = 500
    charged = "no"


class ModelGone(ModelError):
    """The provider knows no such model (404)."""

    code = "model-gone"
    title = "The model does not exist any more"
    status = 500
    charged = "no"


class ModelRequestWrong(ModelError):
    """The provider says that our request is wrong (400): a defect of ours or of a setting."""

    code = "model-request-wrong"
    title = "The model did not understand the studio"
    status = 500
    charged = "no"


class ModelBusy(ModelError):
    """Too many requests a minute; it will pass."""

    code = "model-busy"
    title = "The model is busy"
    status = 429
    retryable = True
    charged = "no"


class ModelQuotaExhausted(ModelError):
    """The quota of the day is used up, or is zero; waiting a minute does not help."""

    code = "model-quota-exhausted"
    title = "The model's quota is used up"
    status = 429
    charged = "no"


class ModelUnavailable(ModelError):
    """The provider is out of order or out of reach; it will pass."""

    code = "model-unavailable"
    title = "The model is out of reach"
    status = 503
    retryable = True
    charged: ClassVar[Charged] = "no"


class ModelLost(ModelUnavailable):
    """The connection broke, or something else answered, after the request was sent."""

    code = "model-lost"
    title = "The model's answer was lost"
    charged = "maybe"


class ModelTimeout(ModelError):
    """The deadline passed before an answer came; the call may have been billed."""

    code = "model-timeout"
    title = "The model took too long"
    status = 504
    charged = "maybe"


class ModelRefused(ModelError):
    """The model declined the picture or the words."""

    code = "model-refused"
    title = "The model declined"
    status = 422
    charged = "maybe"


class ModelEmpty(ModelError):
    """The model answered without a picture (HTTP 200, perhaps billed)."""

    code = "model-empty"
    title = "The model gave no picture"
    retryable = True
    charged = "maybe"


class ModelCutShort(ModelError):
    """The answer ended at the token limit."""

    code = "model-cut-short"
    title = "The model's answer was cut short"
    retryable = True
    charged = "yes"


class ModelAnswerUnreadable(ModelError):
    """The model answered something that no repair makes readable."""

    code = "model-answer-unreadable"
    title = "The model's answer cannot be read"
    retryable = True
    charged = "yes"


class ModelUnfit(ModelError):
    """The model's picture cannot be one of what it was shown: another shape, or one flat colour."""

    code = "model-unfit"
    title = "The model's picture does not fit"
    retryable = True
    charged = "yes"


class ModelUnable(ModelError):
    """This engine cannot do what was asked; another can."""

    code = "model-unable"
    title = "This engine cannot do that"
    status = 422
    charged = "no"


class ModelUnknown(ModelError):
    """A model without a known price: it is refused, its cost is not guessed."""

    code = "model-unknown"
    title = "The model has no known price"
    status = 500
    charged = "no"


class CapReached(ModelError):
    """The call could cost more than a cap leaves; it was not made."""

    code = "cap-reached"
    title = "The spending cap is reached"
    status = 429
    charged = "no"


class LedgerUnreachable(ModelUnavailable):
    """What was spent today cannot be read or noted, so nothing more is spent."""

    code = "ledger-unreachable"
    title = "The spending ledger is out of reach"


# --- where things are kept ------------------------------------------------------------------------


class StoreError(StudioError):
    """The bucket, or the way to it, failed."""

    code = "store-failed"
    title = "The store failed"
    status = 503
    retryable = True


class ObjectMissing(StoreError):
    """There is no such object, or not in that generation."""

    code = "object-missing"
    title = "There is no such object"
    status = 404
    retryable = False


class PreconditionFailed(StoreError):
    """Somebody else wrote first: the object's generation is not the one named (412)."""

    code = "precondition-failed"
    title = "Somebody else wrote first"
    status = 412


class BadObjectName(StoreError):
    """A name that no bucket, or no folder, can hold."""

    code = "bad-object-name"
    title = "The object's name cannot be used"
    status = 422
    retryable = False


class Claimed(StoreError):
    """Another instance is at work on the same job and its lease has not ended."""

    code = "claimed"
    title = "Another instance is working on this"
    status = 409
    retryable = True


# --- how the studio was set up --------------------------------------------------------------------


class Misconfigured(StudioError):
    """A setting is missing or makes no sense; the operator must mend it."""

    code = "misconfigured"
    title = "The studio is not set up for this"
