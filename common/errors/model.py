"""What the model did, or the way to it."""

from __future__ import annotations

from typing import ClassVar

from common.errors.root import Charged, StudioError


class ModelError(StudioError):
    """The model, or the way to it, failed.

    Try another quality or engine.
    """

    code = "model-failed"
    title = "The model failed"
    status = 502
    charged: ClassVar[Charged] = "maybe"  # what is not known to be free is not called free


class ModelCredentials(ModelError):
    """The model's provider did not accept our credentials (401, 403).

    The operator must mend the key or the role.
    """

    code = "model-credentials"
    title = "The model does not accept the credentials"
    status = 500
    charged = "no"


class ModelGone(ModelError):
    """The provider knows no such model (404).

    The operator must name another model.
    """

    code = "model-gone"
    title = "The model does not exist any more"
    status = 500
    charged = "no"


class ModelRequestWrong(ModelError):
    """The provider says that our request is wrong (400): a defect of ours or of a setting.

    Report the `request_id`.
    """

    code = "model-request-wrong"
    title = "The model did not understand the studio"
    status = 500
    charged = "no"


class ModelBusy(ModelError):
    """Too many requests a minute; it will pass.

    Wait as long as `Retry-After` says.
    """

    code = "model-busy"
    title = "The model is busy"
    status = 429
    retryable = True
    charged = "no"


class ModelQuotaExhausted(ModelError):
    """The quota of the day is used up, or is zero; waiting a minute does not help.

    Wait until tomorrow, or have the operator raise the quota.
    """

    code = "model-quota-exhausted"
    title = "The model's quota is used up"
    status = 429
    charged = "no"


class ModelUnavailable(ModelError):
    """The provider is out of order or out of reach; it will pass.

    Try again in a moment.
    """

    code = "model-unavailable"
    title = "The model is out of reach"
    status = 503
    retryable = True
    charged: ClassVar[Charged] = "no"


class ModelLost(ModelUnavailable):
    """The connection broke, or something else answered, after the request was sent.

    Try again; an answer that was paid and did arrive is remembered.
    """

    code = "model-lost"
    title = "The model's answer was lost"
    charged = "maybe"


class ModelTimeout(ModelError):
    """The deadline passed before an answer came; the call may have been billed.

    Try again with a lower quality or a smaller box.
    """

    code = "model-timeout"
    title = "The model took too long"
    status = 504
    charged = "maybe"


class ModelRefused(ModelError):
    """The model declined the picture or the words.

    Use another photo or other words.
    """

    code = "model-refused"
    title = "The model declined"
    status = 422
    charged = "maybe"


class ModelEmpty(ModelError):
    """The model answered without a picture (HTTP 200, perhaps billed).

    Try again.
    """

    code = "model-empty"
    title = "The model gave no picture"
    retryable = True
    charged = "maybe"


class ModelCutShort(ModelError):
    """The answer ended at the token limit.

    Try again, or ask for less at once.
    """

    code = "model-cut-short"
    title = "The model's answer was cut short"
    retryable = True
    charged = "yes"


class ModelAnswerUnreadable(ModelError):
    """The model answered something that no repair makes readable.

    Try again.
    """

    code = "model-answer-unreadable"
    title = "The model's answer cannot be read"
    retryable = True
    charged = "yes"


class BatchFailed(ModelError):
    """A batch gave no answer to this, after several tries or for good; nothing was charged.

    Run the job again: `studio replay`.
    """

    code = "batch-failed"
    title = "The batch gave no answer"
    charged: ClassVar[Charged] = "no"


class BatchLost(BatchFailed):
    """A batch has ended and its answer cannot be had; it may have been charged, so nobody asks.

    Run the job again: `studio replay`.
    """

    code = "batch-lost"
    title = "The batch's answer was lost"
    charged = "maybe"


class ModelUnfit(ModelError):
    """The model's picture cannot be one of what it was shown: another shape, or one flat colour.

    Try again; another attempt is another picture.
    """

    code = "model-unfit"
    title = "The model's picture does not fit"
    retryable = True
    charged = "yes"


class ModelUnable(ModelError):
    """This engine cannot do what was asked; another can.

    Name another engine, or the box that this one needs.
    """

    code = "model-unable"
    title = "This engine cannot do that"
    status = 422
    charged = "no"


class ModelUnknown(ModelError):
    """A model without a known price: it is refused, its cost is not guessed.

    The operator must name a model whose price is known.
    """

    code = "model-unknown"
    title = "The model has no known price"
    status = 500
    charged = "no"


class CapReached(ModelError):
    """The call could cost more than a cap leaves; it was not made.

    Choose a lower quality or a smaller box, wait for the next day, or have the operator raise
    the cap.
    """

    code = "cap-reached"
    title = "The spending cap is reached"
    status = 429
    charged = "no"


class LedgerUnreachable(ModelUnavailable):
    """What was spent today cannot be read or noted, so nothing more is spent.

    Try again in a moment.
    """

    code = "ledger-unreachable"
    title = "The spending ledger is out of reach"


class Parked(StudioError):
    """What was asked waits for a batch; no failure, but nothing more can be done for now.

    Wait: a sweep goes on with it when the answer has come.

    It is no `ModelError`: nothing that mends a model's failures may take it for one.
    """

    code = "parked"
    title = "This waits for a batch"
    status = 503
    retryable = True
