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


def ratios(title: str, rows: Rows, table: str, ours: str, peers: tuple[str, ...]) -> None:
    """Print our SAD by scene, and as a share of each peer's."""
    own = rows.of(table, ours)
    theirs = {peer: rows.of(table, peer) for peer in peers}
    if not own:
        return
    heads = " ".join(f"{'of ' + peer:>14s}" for peer in peers)
    print(f"\n{title}: SAD, and as a share of a peer's\n{'scene':34s} {'SAD':>7s} {heads}")
    for scene, row in own.items():
        shares = [row.sad / max(theirs[peer][scene].sad, 1e-6) for peer in peers]
        print(f"{scene:34s} {row.sad:7.1f} " + " ".join(f"{share:14.2f}" for share in shares))


def kept(title: str, rows: dict[str, Row]) -> None:
    """Print by scene which truly opaque pixels stay so, with the photo's bytes."""
    print(
        f"\n{title}: truly opaque pixels\n{'scene':34s} {'kept':>8s} {'inside':>8s} {'>= .9':>8s}"
    )
    for scene, row in rows.items():
        found = row.pixels
        if found.solid and found.inner:
            shares = (found.kept / found.solid, found.inner_kept / found.inner)
            cells = (*shares, found.nearly / found.solid)
            print(f"{scene:34s} " + " ".join(f"{share:8.4f}" for share in cells))


def grid(title: str, rows: Rows, names: list[str]) -> None:
    """Print mean SAD and PSNR of several tables, a line each."""
    found = [name for name in names if rows.of(name)]
    if not found:
        return
    ways = rows.ways(found[0])
    heads = " ".join(f"{way[:_WIDTH]:>{_WIDTH}s}" for way in ways)
    print(f"\n{title}: mean SAD and PSNR\n{'':34s} {heads}")
    for name in found:
        own = [rows.of(name, way) for way in ways]
        cells = [f"{sad(each):{_WIDTH - 8}.1f} {psnr(each):7.1f}" for each in own]
        print(f"{name:34s} " + " ".join(cells))
