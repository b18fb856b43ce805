"""What the user brought cannot be worked with."""

from __future__ import annotations

from common.errors.root import StudioError


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
