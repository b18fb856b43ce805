"""OpenAPI: the contract, and the pages about failures."""

import flask
import functions_framework

from functions import _openapi


@functions_framework.http
def openapi(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _openapi.serve(request)
