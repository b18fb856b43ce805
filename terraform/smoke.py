"""Look whether what was deployed works: it is healthy, private, and finds a product in a picture.

    terraform output -json | python terraform/smoke.py

It runs where a service account's identity is to be had: in Cloud Build, whose metadata server gives
tokens, or with IDENTITY_TOKEN set (``gcloud auth print-identity-token``).  That identity must be
among ``invokers``.  Only the embedded engine is asked, so nothing is paid.

Through a gateway only this much can be seen from outside: that it answers under its certificate,
and lets nobody pass who does not sign in or show a key.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Headers: TypeAlias = dict[str, str]

METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default"
SECONDS = 60.0  # a first request waits for an instance to start
SAMPLE = next((Path(__file__).parents[1] / "studio" / "samples").rglob("*.jpg"), None)
HEALTH = "/health"  # not /healthz: Cloud Run answers paths that end in z itself


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: being sent to sign in is an answer."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_open = urllib.request.build_opener(_Stay).open


def main(outputs: Mapping[str, Any]) -> int:
    """Look at everything, tell of it, and return 0 where all of it is as it must be."""
    gateway = outputs["gateway"]["value"]
    functions = outputs["functions"]["value"]
    looks = _at_the_gateway(gateway["domains"]) if gateway else _at_functions(functions)
    bad = 0
    for what, good, seen in looks:
        print(f"{'ok ' if good else 'BAD'}  {what}: {seen}", flush=True)
        bad += not good
    return 1 if bad else 0


def _at_functions(functions: Mapping[str, str]) -> Iterator[tuple[str, bool, object]]:
    for name, address in functions.items():
        status, _ = ask(address + HEALTH)
        yield f"{name} refuses strangers", status == 403, status
        status, said = ask(address + HEALTH, _identity(address))
        yield f"{name} is healthy", status == 200, f"{status} {said!r:.80}"
    address = functions["detect"]
    if SAMPLE:
        image = base64.b64encode(SAMPLE.read_bytes()).decode()
        body = {"image": image, "engine": "embedded"}
        status, said = ask(f"{address}/v1/detect", _identity(address), body)
        found = len(said.get("boxes", [])) if isinstance(said, dict) else 0
        yield "detect finds a product", status == 200 and found > 0, f"{status}, {found} boxes"


def _at_the_gateway(domains: list[str]) -> Iterator[tuple[str, bool, object]]:
    people, *machines = domains
    for path in ("/", "/v1/cutout"):
        status, _ = ask(f"https://{people}{path}")
        yield f"{people}{path} asks who it is", status in {302, 401}, status
    for domain in machines:
        status, said = ask(f"https://{domain}/v1/cutout", body={})
        code = said.get("code") if isinstance(said, dict) else None
        yield (
            f"{domain} asks for a key",
            (status, code) == (401, "unauthorized"),
            f"{status} {code}",
        )


def ask(url: str, headers: Headers | None = None, body: object = None) -> tuple[int, Any]:
    """Return the status and what was said, as JSON where it is JSON."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Accept": "application/json", "Content-Type": "application/json"} | (headers or {})
    try:
        with _open(urllib.request.Request(url, data, sent), timeout=SECONDS) as reply:  # noqa: S310
            return reply.status, _read(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, _read(error.read())
    except OSError as error:
        return 0, str(error)


def _read(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")


def _identity(audience: str) -> Headers:
    token = os.environ.get("IDENTITY_TOKEN") or _token_for(audience)
    return {"Authorization": f"Bearer {token}"}


def _token_for(audience: str) -> str:
    url = f"{METADATA}/identity?audience={urllib.parse.quote(audience, safe='')}"
    request = urllib.request.Request(url, headers={"Metadata-Flavor": "Google"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as reply:  # noqa: S310
        token: str = reply.read().decode()
        return token


if __name__ == "__main__":
    source = Path(sys.argv[1]).read_text("utf-8") if sys.argv[1:] else sys.stdin.read()
    sys.exit(main(json.loads(source)))
