"""Sweep: what Cloud Scheduler calls, so that nothing that was dropped stays without a result."""

import logging

import flask
import functions_framework

from common.errors import Claimed, StudioError
from functions import _log, _sweeping


@functions_framework.http
def sweep(request: flask.Request) -> flask.Response:
    """Sweep once and answer what was done; a failure answers 503, so that it is tried again."""
    if request.method != "POST":
        return flask.Response("Use POST.\n", status=405, headers={"Allow": "POST"})
    try:
        return flask.jsonify(_sweeping.scheduled())
    except Claimed as busy:
        return flask.jsonify(busy.problem())  # another sweep is at work: nothing is left to do
    except StudioError as error:
        _log.write(logging.ERROR, "sweep: not done", code=error.code, detail=error.message)
        response = flask.jsonify(error.problem())
        response.status_code = 503
        return response
