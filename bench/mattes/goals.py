"""The goals, and whether what was measured holds to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isinf

from bench.mattes import costs, scenes
from bench.mattes.figures import (
    FFMPEG,
    KEYER,
    NAIVE,
    OPAQUE,
    SAID,
    STUDIO,
    UNKNOWN,
    WITH_OURS,
    WITH_OURS_TOO,
    Kept,
    Row,
)
from bench.mattes.tables import Rows, psnr, ratio, sad
from bench.mattes.wrong import GOOD, Judged

# ms/MP that the prototype took where the goals were set: a machine's own speed falls out
_PROTOTYPE = {costs.KEYER: 212, costs.SMALL: 745}
_LEAST_KEPT = 0.999
_AT_LEAST, _AT_MOST = ">=", "<="


@dataclass(frozen=True)
class Goal:
    """A figure, what it is to be, and what it is."""

    figure: str
    relation: str
    bound: float
    measured: float

    @property
    def holds(self) -> bool:
        """Tell whether the goal is reached."""
        if self.relation == _AT_LEAST:
            return self.measured >= self.bound
        return self.measured <= self.bound


def printed(goals: Iterable[Goal]) -> None:
    """Print the goals as a table of Markdown."""
    print("\n| figure | goal | measured | holds |\n|---|---|---|---|")
    for goal in goals:
        verdict = "yes" if goal.holds else "**no**"
        bound = f"{goal.relation} {_told(goal.bound, goal.bound)}"
        print(f"| {goal.figure} | {bound} | {_told(goal.measured, goal.bound)} | {verdict} |")


def of_keyers(rows: Rows) -> Iterator[Goal]:
    """Give the goals of the keyer alone."""
    for level, bounds in (("hard", (0.40, 0.55)), ("mild", (0.15, 0.15))):
        table = f"keyer, {level}"
        ours = rows.of(table, KEYER)
        for peer, bound in zip((NAIVE, FFMPEG), bounds, strict=True):
            if ours:
                figure = f"keyer alone, {level}: SAD as a share of {peer}'s, median"
                yield Goal(figure, _AT_MOST, bound, ratio(ours, rows.of(table, peer)))


def of_cutouts(rows: Rows) -> Iterator[Goal]:
    """Give the goals from end to end."""
    for level, least in (("hard", 31.0), ("mild", 35.0)):
        table = f"cutout, {level}"
        said, unknown = rows.of(table, SAID), rows.of(table, UNKNOWN)
        if not said:
            continue
        yield Goal(f"end to end, {level}: PSNR, dB", _AT_LEAST, least, psnr(said))
        yield Goal(
            f"the same, material unknown, {level}: PSNR, dB", _AT_LEAST, least, psnr(unknown)
        )
        theirs = rows.of(table, f"{FFMPEG}, resized")
        share = sad(said) / sad(theirs)
        yield Goal(f"mean SAD as a share of ffmpeg's, {level}", _AT_MOST, 0.12, share)
        yield Goal(f"the same, median of scenes, {level}", _AT_MOST, 0.12, ratio(said, theirs))
        best = max(psnr(rows.of(table, way)) for way in (WITH_OURS, WITH_OURS_TOO))
        figure = f"dB over ffmpeg with our registration and the photo's colour, {level}"
        yield Goal(figure, _AT_LEAST, 6, psnr(said) - best)
        yield Goal(f"scenes worse than a peer, {level}", _AT_MOST, 0, _worse(rows, table))
        yield from _of_pixels(level, said)
    green = rows.of("cutout, hard", SAID, scenes.is_green)
    if green:
        yield Goal("green subjects, hard: PSNR, dB", _AT_LEAST, 28, psnr(green))


def _of_pixels(level: str, rows: dict[str, Row]) -> Iterator[Goal]:
    """Give the shares of opaque pixels that are the photo's own."""
    all_of = sum((row.pixels for row in rows.values()), Kept())
    for what, share in (
        ("opaque pixels of the cutout that are the photo's", all_of.own / all_of.opaque),
        ("truly opaque pixels that stay so, as the photo's", all_of.kept / all_of.solid),
        ("truly opaque pixels, two pixels inside, that stay so", all_of.inner_kept / all_of.inner),
    ):
        yield Goal(f"{what}, {level}", _AT_LEAST, _LEAST_KEPT, share)


def of_physical(rows: Rows) -> Iterator[Goal]:
    """Give the goals of the physical renders."""
    table = "physical, green"
    if not rows.of(table):
        return
    for way in (SAID, OPAQUE, UNKNOWN, STUDIO):
        six = rows.of(table, way, lambda scene: scene in scenes.OPAQUE_SCENES)
        yield Goal(f"physical, six opaque scenes, {way}: mean SAD", _AT_MOST, 12, sad(six))
    for way in (SAID, UNKNOWN):
        glasses = rows.of(table, way)["eyeglasses"]
        yield Goal(f"physical, eyeglasses, {way}: SAD", _AT_MOST, 35, glasses.sad)
    for way in (SAID, UNKNOWN, STUDIO):
        mug = rows.of(table, way)["mug_white"]
        yield Goal(f"physical, white mug, {way}: SAD", _AT_MOST, 5, mug.sad)
    chosen = scenes.key_of("can_green").name
    for way in (STUDIO, SAID, UNKNOWN):
        can = rows.of(f"physical, {chosen}", way)["can_green"]
        yield Goal(f"physical, green can, key auto ({chosen}), {way}: SAD", _AT_MOST, 10, can.sad)
    for each in (table, "physical, magenta"):
        yield Goal(f"{each}: scenes worse than a peer", _AT_MOST, 0, _worse(rows, each))


def _worse(rows: Rows, table: str) -> int:
    """Return in how many scenes a peer's SAD is below ours."""
    ours = rows.of(table, SAID)
    peers = [rows.of(table, f"{peer}, resized") for peer in (NAIVE, FFMPEG)]
    return sum(any(peer[scene].sad < row.sad for peer in peers) for scene, row in ours.items())


def of_gates(judged: list[Judged]) -> Iterator[Goal]:
    """Give the goals of the gates."""
    for kind in dict.fromkeys(each.kind for each in judged):
        own = [each for each in judged if each.kind == kind]
        refused = sum(each.refused for each in own)
        if kind == GOOD:
            yield Goal(f"good renders refused, of {len(own)}", _AT_MOST, 0, refused)
        else:
            yield Goal(f"refused of {len(own)}: {kind}", _AT_LEAST, len(own), refused)


def of_costs() -> Iterator[Goal]:
    """Measure, and give the goals of time and memory."""
    spent = costs.times()
    for what, most in ((costs.KEYER, 150), (costs.SMALL, 400), (costs.LARGE, 120)):
        yield Goal(f"CPU, one thread, {what}: ms/MP", _AT_MOST, most, spent[what])
        theirs = costs.PROTOTYPE.get(what, "")
        if theirs in spent:
            figure = f"the same as a share of the prototype's in the same run ({spent[theirs]:.0f})"
            yield Goal(figure, _AT_MOST, most / _PROTOTYPE[what], spent[what] / spent[theirs])
    for megapixels, most in ((24, 1024), (50, 2048)):
        figure = f"peak memory of `studio cutout`, {megapixels} MP: MB"
        yield Goal(figure, _AT_MOST, most, costs.peak(megapixels))


def _told(value: float, bound: float) -> str:
    """Return the value with as many digits as its bound asks for."""
    if isinf(value):
        return "failed"
    if value == round(value):
        return f"{value:.0f}"
    digits = 4 if 0.9 < bound < 1 else 3 if 0 < bound < 1 else 1
    return f"{value:.{digits}f}"
