"""What the user brought cannot be worked with."""

from __future__ import annotations

from common.errors.root import StudioError


class BadInput(StudioError):
    """The user's picture, option or request cannot be worked with.

    Read the detail: it names what is missing or cannot be read.
    """

    code = "bad-input"
    title = "The request cannot be worked with"
    status = 400


class BadOptions(BadInput):
    """An option is unknown, misspelt, out of range or at odds with another.

    The field names the option at fault, and `errors` lists all of them; `/openapi.json` says
    what each may be.
    """

    code = "bad-options"
    title = "An option is not understood"
    status = 422


class BadBox(BadOptions):
    """A box is empty, not finite or not four numbers.

    Write a box as top, left, bottom, right in thousandths of the picture.
    """

    code = "bad-box"
    title = "A box is not understood"


class UnsupportedPicture(BadInput):
    """The bytes are no picture of a format the studio reads.

    Send a JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP, GIF or PSD file; its content counts, not its
    name.
    """

    code = "unsupported-picture"
    title = "The file is not a picture the studio reads"
    status = 415


class BrokenPicture(BadInput):
    """The bytes begin like a picture and cannot be decoded.

    Export the picture again, or download it again.
    """

    code = "broken-picture"
    title = "The picture is damaged"
    status = 422


class PictureTooLarge(BadInput):
    """The picture has more bytes or pixels than the limits allow; nothing was decoded.

    Send a smaller picture, or have the operator raise the limits.
    """

    code = "picture-too-large"
    title = "The picture is too large"
    status = 413


class UnfitRender(BadInput):
    """A render made elsewhere does not fit the photo: other ratio, one pixel wide, one colour.

    Bring a render of the whole photo, in its ratio.
    """

    code = "unfit-render"
    title = "The render does not fit the photo"
    status = 422


class NothingFound(BadInput):
    """No subject, or no text, was found where the operation needs one.

    Name the subject, or its box.
    """

    code = "nothing-found"
    title = "Nothing to work on was found"
    status = 422


class MethodNotAllowed(BadInput):
    """The path exists and does not speak this HTTP method.

    The `Allow` header names the methods that it does speak.
    """

    code = "method-not-allowed"
    title = "This path does not speak that method"
    status = 405


class UnknownPath(BadInput):
    """There is nothing at this path.

    The paths stand in `/openapi.json`.
    """

    code = "unknown-path"
    title = "There is nothing at this path"
    status = 404


class NotAcceptable(BadInput):
    """None of the types that the caller accepts can be given.

    Accept `image/png`, `image/jpeg`, `image/webp`, `application/zip` or `application/json`.
    """

    code = "not-acceptable"
    title = "No acceptable type can be given"
    status = 406


class UnsupportedBody(BadInput):
    """The request's body is neither multipart form data nor JSON.

    Send `multipart/form-data` or `application/json`.
    """

    code = "unsupported-body"
    title = "The body's type is not understood"
    status = 415


class ForbiddenAddress(BadInput):
    """The picture's address is private, not https, or of a bucket that is not allowed.

    Send the picture itself, or name a public https address; buckets are allowed by the
    operator.
    """

    code = "forbidden-address"
    title = "The picture may not be fetched from there"
    status = 403


class FetchFailed(BadInput):
    """The picture's address did not give a picture.

    Make sure that the address answers with the picture itself, or send the picture.
    """

    code = "fetch-failed"
    title = "The picture could not be fetched"
    status = 422


class Unauthorized(BadInput):
    """The request shows no key, no identity, or one that is not known here.

    Send the key as `X-Api-Key` or as `Authorization: Bearer`; the operator makes keys.
    """

    code = "unauthorized"
    title = "Who is asking is not known"
    status = 401


class NotAllowed(BadInput):
    """Who is asking is known, and may not do this.

    Use a key that reaches this far, or ask the operator.
    """

    code = "not-allowed"
    title = "That is not allowed"
    status = 403


class BadSignature(BadInput):
    """A signed address was changed, or has expired.

    Ask for a new address, and send exactly the headers that came with it.
    """

    code = "bad-signature"
    title = "The signed address does not hold"
    status = 403


class UnknownJob(BadInput):
    """There is no such job, or it is not the caller's.

    Use the address that `Location` told, with the credentials that made the job.
    """

    code = "unknown-job"
    title = "There is no such job"
    status = 404


class BodyTooSlow(BadInput):
    """The request's body did not arrive in the time it may take.

    Send it again, or use `POST /v1/uploads`, which has no such limit.
    """

    code = "body-too-slow"
    title = "The body came too slowly"
    status = 408


class KeyReused(BadInput):
    """The same Idempotency-Key came with another request before.

    Make a new key for each request; repeat a request with everything it had.
    """

    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"
    status = 422
