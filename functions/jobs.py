"""Jobs: what became of work that is done later."""

import flask
import functions_framework

from functions._http import telling


@functions_framework.http
def jobs(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return telling.serve(request)
