"""What the model did, or the way to it."""

from __future__ import annotations

from typing import ClassVar

from common.errors.root import Charged, StudioError


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


class BatchFailed(ModelError):
    """A batch gave no answer to this, after several tries or for good; nothing was charged."""

    code = "batch-failed"
    title = "The batch gave no answer"
    charged: ClassVar[Charged] = "no"


class BatchLost(BatchFailed):
    """A batch has ended and its answer cannot be had; it may have been charged, so nobody asks."""

    code = "batch-lost"
    title = "The batch's answer was lost"
    charged = "maybe"


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


class Parked(StudioError):
    """What was asked waits for a batch; no failure, but nothing more can be done for now.

    It is no `ModelError`: nothing that mends a model's failures may take it for one.
    """

    code = "parked"
    title = "This waits for a batch"
    status = 503
    retryable = True
