"""What comes back: a picture, a report with the picture in it, or where the picture is."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import flask

from common.errors import ReplyTooLarge
from common.report import Report
from common.settings import Settings
from common.store import Bucket, open_bucket
from functions import _signing, _wiring
from functions._http import accept
from functions._http.visit import Visit
from functions._wiring import Finished

MOST_BYTES = 31 * 2**20  # the platform's limit is 32 MiB, headers and base64's line ends included
PLACE = "replies/large/"


@dataclass(frozen=True)
class Wish:
    """How the caller wants to have the reply.

    Attributes
    ----------
    accepted
        The media type.
    as_address
        Only where the picture is.
    later
        Where to ask for it.
    here
        The address of this server.
    """

    accepted: str
    as_address: bool
    later: bool
    here: str

    @staticmethod
    def of(request: flask.Request) -> Wish:
        """Return what a request wishes.

        Raises
        ------
        NotAcceptable
            Nothing that could be given.
        """
        prefers = accept.preferences(request)
        return Wish(
            accept.accepted(request),
            accept.AS_ADDRESS in prefers,
            accept.LATER in prefers,
            request.host_url.rstrip("/"),
        )

    @property
    def as_json(self) -> bool:
        """Whether it is a report, with the picture in it."""
        return self.accepted == accept.JSON

    @property
    def format(self) -> str:
        """The picture's."""
        return accept.FORMATS.get(self.accepted, "png")

    @property
    def mark(self) -> tuple[str, bool, bool]:
        """What makes one wish another."""
        return self.accepted, self.as_address, self.later


def reply(visit: Visit, finished: Finished, wish: Wish, settings: Settings) -> flask.Response:
    """Return the reply to a request that succeeded.

    A picture that no reply can hold is put into the work bucket; the reply says where.

    Raises
    ------
    ReplyTooLarge
        There is no work bucket.
    """
    if finished.picture is None:
        response = _json(_report(visit, finished))
    elif wish.as_address or _weight(finished.picture, wish) > MOST_BYTES:
        response = _elsewhere(visit, finished, finished.picture, wish, settings)
    elif wish.as_json:
        response = _json(_told(visit, finished) | _pictures(finished, finished.picture))
    else:
        response = flask.Response(finished.picture, mimetype=finished.content_type)
    response.vary.update(["Accept", "Prefer"])
    for name, value in figures(finished.report).items():
        response.headers[name] = value
    return response


def figures(report: Report) -> dict[str, str]:
    """Return a report's main figures as headers."""
    told = {
        "X-Engine": report.engine,
        "X-Decision": report.decision,
        "X-Cost-USD": f"{report.cost.dollars:.6f}",
        "X-Scores": json.dumps(report.scores, separators=(",", ":")),
    }
    if report.result is not None:
        told |= {"X-Width": str(report.result.width), "X-Height": str(report.result.height)}
    return told


def _pictures(finished: Finished, picture: bytes) -> dict[str, Any]:
    """Return the picture in base64, or where there are several assets, each of them."""
    if len(finished.assets) < 2:
        return {"image": base64.b64encode(picture).decode()}
    assets = [
        {
            "preset": asset.check.preset,
            "content_type": asset.content_type,
            "image": base64.b64encode(asset.data).decode(),
        }
        for asset in finished.assets
    ]
    return {"assets": assets}


def _weight(picture: bytes, wish: Wish) -> int:
    return len(picture) * 4 // 3 if wish.as_json else len(picture)


def _elsewhere(
    visit: Visit, finished: Finished, picture: bytes, wish: Wish, settings: Settings
) -> flask.Response:
    address = put_aside(picture, finished, wish.here, settings)
    expires = datetime.fromtimestamp(address.expires, UTC).isoformat(timespec="seconds")
    document = _told(visit, finished) | {"image_url": address.url, "image_url_expires": expires}
    response = _json(document)
    if wish.as_address:
        accept.applied(response, accept.AS_ADDRESS)
    if not wish.as_json:
        response.status_code = 303
        response.headers["Location"] = address.url
        response.autocorrect_location_header = False
    return response


def put_aside(
    picture: bytes, finished: Finished, here: str, settings: Settings
) -> _signing.Address:
    """Put a picture into the work bucket and return where it is to be had.

    Raises
    ------
    ReplyTooLarge
        There is no work bucket.
    """
    if not settings.work_bucket:
        raise ReplyTooLarge(
            f"The picture has {len(picture):,} bytes, more than a reply may have.",
            advice="Ask for image/webp or image/jpeg; the operator may set STUDIO_WORK_BUCKET.",
        )
    work: Bucket = open_bucket(settings.work_bucket)
    name = f"{PLACE}{uuid.uuid4().hex}{finished.suffix}"
    work.write(name, picture, if_generation=0, content_type=finished.content_type)
    return _signing.Signer(work, here).to_fetch(work, "work", name)


def _told(visit: Visit, finished: Finished) -> dict[str, Any]:
    told = _report(visit, finished) | {"content_type": finished.content_type}
    if finished.mask is not None:
        told["mask"] = base64.b64encode(_wiring.mask_file(finished.mask)).decode()
    return told


def _report(visit: Visit, finished: Finished) -> dict[str, Any]:
    return {"request_id": visit.request_id, **finished.report.model_dump(mode="json")}


def _json(document: dict[str, Any]) -> flask.Response:
    return flask.Response(json.dumps(document, ensure_ascii=False), mimetype=accept.JSON)
