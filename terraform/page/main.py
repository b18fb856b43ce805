"""The web page as a function of its own: the files of `web/`, beside this one, and nothing else.

The gateway sends everything here that is no function's path; Identity-Aware Proxy stands in front.
`terraform/package.py` puts it, `web/` and the local server's policy into one zip.
"""

from pathlib import Path

import flask
import functions_framework
from werkzeug.exceptions import HTTPException

HERE = Path(__file__).parent
POLICY = (HERE / "policy.txt").read_text("utf-8")


@functions_framework.http
def page(request: flask.Request) -> flask.Response:
    """Answer with a file."""
    response = _answer(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _answer(request: flask.Request) -> flask.Response:
    if request.method not in {"GET", "HEAD"}:
        return flask.Response("Use GET.\n", status=405, headers={"Allow": "GET, HEAD"})
    try:
        return flask.send_from_directory(HERE / "web", request.path.lstrip("/") or "index.html")
    except HTTPException as error:  # outside of web/, or not there
        return flask.Response("There is nothing at this path.\n", status=error.code or 404)
