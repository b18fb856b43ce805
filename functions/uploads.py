"""Uploads: where a large picture may be put, and which job that makes of it."""

import flask
import functions_framework

from functions._http import uploading


@functions_framework.http
def uploads(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return uploading.serve(request)
