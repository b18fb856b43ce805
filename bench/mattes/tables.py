"""Tables of figures, by way and by scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import fmean, median

from bench.mattes.figures import Row

_WIDTH = 22


class Rows:
    """Rows by table, way and scene."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = list(rows)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def of(
        self, table: str, way: str = "", keep: Callable[[str], bool] | None = None
    ) -> dict[str, Row]:
        """Return a table's rows by scene, of one way, and of the scenes to keep."""
        return {
            row.scene: row
            for row in self._rows
            if row.table == table and way in ("", row.way) and (keep is None or keep(row.scene))
        }

    def ways(self, table: str) -> list[str]:
        """Return the ways of a table, in order."""
        return list(dict.fromkeys(row.way for row in self._rows if row.table == table))

    def tables(self) -> list[str]:
        """Return the names of the tables, in order."""
        return list(dict.fromkeys(row.table for row in self._rows))

    def substituted(self, table: str, other: str) -> Rows:
        """Return the rows of `table`, each replaced by that of `other` where there is one."""
        better = {
            (row.scene, row.way): replace(row, table=table)
            for row in self._rows
            if row.table == other
        }
        return Rows(
            better.get((row.scene, row.way), row) for row in self._rows if row.table == table
        )


def sad(rows: dict[str, Row]) -> float:
    """Return the mean SAD."""
    return fmean(row.sad for row in rows.values())


def psnr(rows: dict[str, Row]) -> float:
    """Return the mean PSNR."""
    return fmean(row.psnr for row in rows.values())


def ratio(ours: dict[str, Row], theirs: dict[str, Row]) -> float:
    """Return the median over the scenes of our SAD as a share of theirs."""
    return median(ours[scene].sad / max(theirs[scene].sad, 1e-6) for scene in ours)


def summary(title: str, rows: Rows, table: str, keep: Callable[[str], bool] | None = None) -> None:
    """Print means and medians by way, if there are any."""
    if not rows.of(table, keep=keep):
        return
    print(
        f"\n{title}\n{'way':30s} {'scenes':>6s} {'SAD mean':>9s} {'median':>7s} {'PSNR mean':>10s}"
    )
    for way in rows.ways(table):
        own = rows.of(table, way, keep)
        if own:
            middle = median(row.sad for row in own.values())
            print(f"{way:30s} {len(own):6d} {sad(own):9.2f} {middle:7.2f} {psnr(own):10.2f}")


def by_scene(title: str, rows: Rows, table: str) -> None:
    """Print SAD and PSNR by scene and way, if there are any."""
    if not rows.of(table):
        return
    ways = rows.ways(table)
    heads = " ".join(f"{way[:_WIDTH]:>{_WIDTH}s}" for way in ways)
    print(f"\n{title}: SAD and PSNR\n{'scene':34s} {heads}")
    found = {way: rows.of(table, way) for way in ways}
    for scene in rows.of(table):
        cells = [_cell(found[way].get(scene)) for way in ways]
        print(f"{scene:34s} " + " ".join(cells))


def _cell(row: Row | None) -> str:
    return f"{row.sad:{_WIDTH - 8}.1f} {row.psnr:7.1f}" if row else " " * _WIDTH
