"""Cutout: the subject alone, with real transparency."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def cutout(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("cutout", request)


@functions_framework.cloud_event
def cutout_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("cutout", event, _wiring.workshop())
