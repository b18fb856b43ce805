"""What came, what it cost, what failed and why: JSON lines, a file a day, in the output bucket.

Every run that comes to an end notes one line, as a small object of its own in the work bucket, so
that no two instances ever wait for each other.  It does so before its result is published: no
result lacks its line, and of a run that dies in between the cost is told all the same.  The sweep
folds the lines into the day's file.  A line has an id, so that folding it twice changes nothing.

The line also stands in its object's metadata: a list of a thousand tells all of them at once.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

from common.errors import ObjectMissing, PreconditionFailed, StoreError
from common.jobs.job import Buckets, Job, Made
from common.store import Bucket, Stored

LINES = "manifest/lines/"  # in the work bucket: <day>/<id>.json
DAYS = "manifest/"  # in the output bucket: <day>.jsonl, then <day>.002.jsonl and so on
LARGEST = 8_000_000  # bytes of a file that is still added to
PORTION = 1000  # lines that are folded at once
DETAIL = 300  # characters of a reason; metadata holds 8 KiB
ATTEMPTS = 5
DELETIONS = 8  # at a time

Line = dict[str, Any]


def note(work: Bucket, job: Job, made: Made, clock: Callable[[], float] = time.time) -> None:
    """Note that a run has come to its end."""
    now = datetime.fromtimestamp(clock(), UTC)
    identity = f"{job.digest()[:16]}-{uuid.uuid4().hex[:12]}"
    text = json.dumps(_line(identity, now, job, made))
    place = f"{LINES}{now.date().isoformat()}/{identity}.json"
    work.write(place, text.encode(), content_type="application/json", metadata={"line": text})


def _line(identity: str, now: datetime, job: Job, made: Made) -> Line:
    report = made.report
    cost = report.get("cost") or {}
    line: Line = {
        "id": identity,
        "time": now.isoformat(timespec="milliseconds"),
        "operation": job.operation,
        "input": job.source.name,
        "generation": str(job.source.generation),
        "outcome": "failed" if made.failed else "done",
        "dollars": cost.get("dollars", report.get("dollars", 0.0)),
        "calls": cost.get("calls", 0),
        "bytes": len(made.picture or b""),
        "milliseconds": round(sum((report.get("milliseconds") or {}).values()), 1),
    }
    line |= {name: report[name] for name in ("engine", "decision", "code") if name in report}
    if made.failed:
        line["detail"] = str(report.get("detail", ""))[:DETAIL]
    return line


# --- reading --------------------------------------------------------------------------------------


def days(buckets: Buckets) -> list[str]:
    """Return the days of which anything is known, as ``2026-11-22``, in order."""
    folded = {stored.name.removeprefix(DAYS)[:10] for stored in buckets.output.list(DAYS)}
    return sorted(folded | {_day(stored) for stored in buckets.work.list(LINES)})


def lines(buckets: Buckets, day: str) -> Iterator[Line]:
    """Yield every line of a day once, folded or not."""
    seen: set[str] = set()
    for line in _all_lines(buckets, day):
        if line["id"] not in seen:
            seen.add(line["id"])
            yield line


def _all_lines(buckets: Buckets, day: str) -> Iterator[Line]:
    # In this order a line that is folded meanwhile is told twice, not missed.
    for stored in buckets.work.list(f"{LINES}{day}/"):
        yield from _parsed(_text(buckets.work, stored))
    for part in _parts(buckets.output, day):
        yield from _parsed(buckets.output.read(part.name)[0])


def _text(work: Bucket, stored: Stored) -> bytes:
    """Return a line; its metadata may be lost where a folder was copied without its side folder."""
    if "line" in stored.metadata:
        return stored.metadata["line"].encode()
    with contextlib.suppress(ObjectMissing):  # folded at this moment
        return work.read(stored.name)[0]
    return b""


def _parsed(text: bytes) -> Iterator[Line]:
    for each in text.splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(each)
            if isinstance(line, dict) and "id" in line:
                yield line


# --- folding --------------------------------------------------------------------------------------


def fold(buckets: Buckets, until: float, clock: Callable[[], float] = time.time) -> dict[str, int]:
    """Put the noted lines into their days' files, until the time is over; return how many."""
    folded = 0
    for day, noted in groupby(buckets.work.list(LINES), _day):
        while (portion := list(islice(noted, PORTION))) and clock() < until:
            _append(buckets.output, day, [_text(buckets.work, stored) for stored in portion])
            _delete(buckets.work, portion)
            folded += len(portion)
    return {"folded": folded}


def _append(output: Bucket, day: str, texts: Iterable[bytes]) -> None:
    """Add lines to the day's last file, but for those that it holds."""
    for _ in range(ATTEMPTS):
        name, generation, data = _last_part(output, day)
        held = {line["id"] for line in _parsed(data)}
        new = [line for text in texts for line in _parsed(text) if line["id"] not in held]
        if not new:
            return
        data += b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in new)
        with contextlib.suppress(PreconditionFailed):
            output.write(name, data, if_generation=generation, content_type="application/x-ndjson")
            return
    raise StoreError(f"Others kept writing the manifest of {day}.")


def _last_part(output: Bucket, day: str) -> tuple[str, int, bytes]:
    """Return the file to add to: its name, its generation and what it holds."""
    parts = _parts(output, day)
    if not parts:
        return f"{DAYS}{day}.jsonl", 0, b""
    if parts[-1].size > LARGEST:
        return f"{DAYS}{day}.{len(parts) + 1:03}.jsonl", 0, b""
    data, stored = output.read(parts[-1].name)
    return stored.name, stored.generation, data


def _parts(output: Bucket, day: str) -> list[Stored]:
    """Return the day's files in the order in which they were begun."""
    found = [stored for stored in output.list(f"{DAYS}{day}.") if stored.name.endswith(".jsonl")]
    return sorted(found, key=lambda stored: (len(stored.name), stored.name))


def _delete(work: Bucket, folded: Iterable[Stored]) -> None:
    def delete(stored: Stored) -> None:
        with contextlib.suppress(ObjectMissing):  # by another sweep
            work.delete(stored.name)

    with ThreadPoolExecutor(DELETIONS) as pool:
        list(pool.map(delete, folded))


def _day(stored: Stored) -> str:
    return stored.name.removeprefix(LINES).partition("/")[0]
