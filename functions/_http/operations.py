"""The way of a request for an operation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import flask

from common.errors import BadOptions
from common.operations.base import Operation
from common.operations.options import Options, read_options
from common.settings import Settings
from functions import _body, _fetch, _log, _wiring
from functions._http import access, body_clock, crowd, door, idempotency, later, problems
from functions._http.access import Caller
from functions._http.replies import Wish, reply
from functions._http.visit import Visit
from functions._wiring import Finished

TAKES_RENDER = ("cutout", "erase", "clean", "expand")
NAMED = ("background", "mask")  # pictures that options name
A_PICTURE = "a picture"  # the option's value where such a picture came as a file


def serve(
    operation_name: str, request: flask.Request, run: Callable[..., Finished] = _wiring.run
) -> flask.Response:
    """Answer a request for an operation; whatever goes wrong becomes a problem document.

    Parameters
    ----------
    run
        Does the work; see `functions._wiring.run`.
    """
    return door.enter(operation_name, request, partial(_answer, run=run))


@dataclass(frozen=True)
class Order:
    """What is asked, taken apart and understood.

    Attributes
    ----------
    operation
        Which.
    options
        Its options.
    asked
        The request's parts.
    picture
        The file to work on.
    caller
        Who asks.
    """

    operation: Operation[Any]
    options: Options
    asked: _body.Asked
    picture: bytes
    caller: Caller

    def fingerprint(self, *more: object) -> str:
        """Return a mark of the order: equal marks, equal orders."""
        files = {"": self.picture, **self.asked.pictures}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        options = self.options.model_dump(mode="json")
        return idempotency.fingerprint(self.operation.name, options, digests, *more)


def _answer(
    visit: Visit, request: flask.Request, settings: Settings, *, run: Callable[..., Finished]
) -> flask.Response:
    request.max_content_length = _body.largest_body(settings.max_bytes)
    door.check_path(request, f"/v1/{visit.name}", "POST")
    caller = access.admit(request, settings)
    visit.facts["caller"] = caller.name
    caller.check_operation(visit.name)
    wish = Wish.of(request)
    with crowd.seat(request, settings.requests_together):
        order = _order(visit, request, settings, caller)
        visit.facts |= _log.asset(order.picture, order.options.model_dump(mode="json"))
        produce = partial(_later if wish.later else _now, visit, order, wish, settings, run)
        bucket = partial(idempotency.work_bucket, settings)
        mark = partial(order.fingerprint, wish.mark)
        once = idempotency.once(request, caller.folder, mark, bucket)
        if once is None:
            return produce()
        return once.do(produce, lambda error: problems.noted(error, visit))


def _order(visit: Visit, request: flask.Request, settings: Settings, caller: Caller) -> Order:
    operation = _wiring.operation(visit.name)
    with body_clock.within(request, settings.body_seconds):
        asked = _body.read(request)
    _body.check_bytes(asked.pictures, settings.max_bytes)
    options = read_options(operation.options, _named(asked, visit.name))
    return Order(operation, options, asked, _picture(asked, settings, caller), caller)


def _named(asked: _body.Asked, operation: str) -> dict[str, Any]:
    """Return the options; a background or mask that came is one, in a pipeline of its step."""
    if "render" in asked.pictures and operation not in TAKES_RENDER:
        raise BadOptions(f"{operation} takes no render.", field="render")
    if operation == "pipeline":
        return asked.options
    return asked.options | {name: A_PICTURE for name in NAMED if name in asked.pictures}


def _picture(asked: _body.Asked, settings: Settings, caller: Caller) -> bytes:
    if asked.address is None:
        return asked.pictures["image"]
    if asked.address.startswith("gs://"):
        caller.check_source(asked.address)
        return _fetch.from_bucket(asked.address, settings.allowed_buckets, settings.max_bytes)
    return _fetch.Web().fetch(asked.address, settings.max_bytes)


def _now(
    visit: Visit, order: Order, wish: Wish, settings: Settings, run: Callable[..., Finished]
) -> flask.Response:
    finished = run(
        order.operation,
        order.picture,
        order.options,
        given=order.asked.pictures.get("render"),
        backdrop=order.asked.pictures.get("background"),
        mask=order.asked.pictures.get("mask"),
        format=wish.format,
        name=later.folder(order.operation.name, order.caller),
    )
    visit.facts |= _log.came_of_it(finished.report.model_dump(mode="json"))
    return reply(visit, finished, wish, settings)


def _later(
    visit: Visit, order: Order, wish: Wish, settings: Settings, run: Callable[..., Finished]
) -> flask.Response:
    if not later.is_set_up(settings):
        return _now(visit, order, wish, settings, run)  # a preference may be left (RFC 7240)
    inbox = later.inbox(settings.input_bucket, settings.upload_account)
    job = later.drop(order.operation.name, order.picture, order.asked, order.caller, inbox)
    visit.facts["job"] = job.id
    return later.accepted(job)
