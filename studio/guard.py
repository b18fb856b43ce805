"""The local server is open to this machine, and to nobody's web page.

A page of another site can make a browser post to localhost, and a name server can let its own name
point there.  Browsers say in both cases where a request comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import flask

from common.errors import NotAllowed
from functions._http import problems
from functions._http.visit import Visit

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
OWN_PAGES = frozenset({"", "none", "same-origin"})  # Sec-Fetch-Site; empty where no browser speaks

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def guarded(app: Application) -> Application:
    """Return `app` for requests of this machine's own programs and pages only."""

    def guard(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _is_ours(environ):
            return app(environ, start_response)
        visit = Visit.of("guard", flask.Request(environ))
        refusal = problems.respond(NotAllowed("This studio serves its own machine only."), visit)
        refusal.headers["X-Request-ID"] = visit.request_id
        return refusal(environ, start_response)

    return guard


def _is_ours(environ: dict[str, Any]) -> bool:
    host, _, port = environ.get("HTTP_HOST", "").rpartition(":")
    host = host if port.isdigit() else environ.get("HTTP_HOST", "")
    reads = environ["REQUEST_METHOD"] in {"GET", "HEAD"}
    ours = environ.get("HTTP_SEC_FETCH_SITE", "") in OWN_PAGES
    return host.lower() in LOCAL_HOSTS and (reads or ours)
