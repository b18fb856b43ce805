"""Ask a served function twice: once for something impossible, once for a cutout."""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE = 30  # seconds that a function may take to start


def main(port: str, picture: str) -> None:
    address = f"http://127.0.0.1:{port}/v1/cutout"
    status, problem = first_answer(address, {"image": ""})
    assert 400 <= status < 500, (status, problem)
    assert problem["code"], problem
    print("refused, as it should be:", status, problem["code"])
    image = base64.b64encode(Path(picture).read_bytes()).decode()
    status, report = ask(address, {"image": image, "on_fail": "review"})
    assert status == 200, (status, report)
    print("answered:", status, picture, json.dumps(report)[:160])


def first_answer(address: str, body: dict[str, str]) -> tuple[int, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask(address, body)
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"The function did not start within {PATIENCE} s.")
            time.sleep(0.25)


def ask(address: str, body: dict[str, str]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
