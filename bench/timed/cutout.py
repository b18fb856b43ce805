"""The cutout function, whose replies also tell how long the work itself took: wall and CPU."""

import time
from typing import Any

import flask
import functions_framework

from functions import _http, _wiring
from functions._wiring import Finished

WALL, CPU = "X-Worked-Wall", "X-Worked-CPU"  # seconds of decode, operation and encode


@functions_framework.http
def cutout(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    took = {WALL: 0.0, CPU: 0.0}

    def run(*files: Any, **options: Any) -> Finished:
        wall, cpu = time.perf_counter(), time.process_time()
        finished = _wiring.run(*files, **options)
        took[WALL], took[CPU] = time.perf_counter() - wall, time.process_time() - cpu
        return finished

    response = _http.serve("cutout", request, run)
    for name, seconds in took.items():
        response.headers[name] = repr(seconds)
    return response
