"""Remove.bg's contract: a cutout for programs that were written for that API."""

import flask
import functions_framework

from functions import _removebg


@functions_framework.http
def removebg(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _removebg.serve(request)
