"""Where things are kept: buckets, folders and claims."""

from __future__ import annotations

from common.errors.root import StudioError


class StoreError(StudioError):
    """The bucket, or the way to it, failed.

    Try again in a moment.
    """

    code = "store-failed"
    title = "The store failed"
    status = 503
    retryable = True


class ObjectMissing(StoreError):
    """There is no such object, or not in that generation.

    Make sure that the object is still there.
    """

    code = "object-missing"
    title = "There is no such object"
    status = 404
    retryable = False


class PreconditionFailed(StoreError):
    """Somebody else wrote first: the object's generation is not the one named (412).

    Nothing is lost: look at what the other wrote.
    """

    code = "precondition-failed"
    title = "Somebody else wrote first"
    status = 412


class BadObjectName(StoreError):
    """A name that no bucket, or no folder, can hold.

    Rename the file: no empty parts, no leading dots, no control characters.
    """

    code = "bad-object-name"
    title = "The object's name cannot be used"
    status = 422
    retryable = False


class Claimed(StoreError):
    """Another instance is at work on the same job and its lease has not ended.

    Wait: its result will stand in the output.
    """

    code = "claimed"
    title = "Another instance is working on this"
    status = 409
    retryable = True
