"""What the cells of a quality run come to: a table, a comparison of encoders, a record, and contact sheets."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quality_cells import Cell, Pair, baselines
from quality_measures import Judge

from nstkit.images import contact_sheet, save_image
from nstkit.lessons.build import write_whole

Measures = dict[str, float]
LEGEND = (
    "Medians over the pairs; smaller is better except for SSIM. SSIM: of luma, to the photograph. content: the judge's "
    "content distance, 1 = as far as the style itself. Gram, W₂: the judge's style distances, 1 = as far as the "
    "untouched photograph, 0 = the style. colour: Wasserstein distance of the pixels in L*a*b*. stroke: by how many "
    "octaves detail is coarser or finer than the style's. s: processor seconds."
)


@dataclass(frozen=True)
class Row:
    """One line of the table: a method, and its measures for each pair by name."""

    network: str
    method: str
    measures: Mapping[str, Measures]
    seconds: float | None = None


@dataclass(frozen=True)
class Column:
    """How a measure is shown: over the same measure of a baseline or as it is; which end is the good one."""

    measure: str
    title: str
    over: str | None
    digits: int
    more_is_better: bool = False
    by_size: bool = False


def columns_of(judges: Mapping[str, Judge]) -> list[Column]:
    """Columns of the table: what of the content stays, then what of the style is there."""
    kept = [Column(f"{key} content", f"content, {key}", "style", 2) for key in judges]
    style = [
        Column(f"{key} {name}", f"{title}, {key}", "content", 2)
        for name, title in (("gram", "Gram"), ("gaussian", "W₂"))
        for key in judges
    ]
    return [
        Column("ssim", "SSIM ↑", None, 2, more_is_better=True),
        *kept,
        *style,
        Column("color", "colour, ΔE", None, 1),
        Column("stroke", "stroke, octaves", None, 2, by_size=True),
    ]


def shown(row: Row, column: Column, bases: Mapping[str, Row]) -> list[float]:
    """A row's values in a column, one for each pair."""
    values = [measures[column.measure] for measures in row.measures.values()]
    if column.over is not None:
        ground = bases[column.over].measures
        values = [v / ground[pair][column.measure] for v, pair in zip(values, row.measures, strict=True)]
    return [abs(value) for value in values] if column.by_size else values


def table(rows: Sequence[Row], columns: Sequence[Column], bases: Mapping[str, Row]) -> str:
    """Markdown; medians over the pairs."""
    lines = [
        "| encoder | method | " + " | ".join(column.title for column in columns) + " | s |",
        "|---|---|" + "--:|" * (len(columns) + 1),
    ]
    for row in rows:
        cells = [f"{statistics.median(shown(row, c, bases)):.{c.digits}f}" for c in columns]
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        lines.append(f"| {row.network} | {row.method} | " + " | ".join(cells) + f" | {seconds} |")
    return "\n".join(lines)


def comparison(rows: Sequence[Row], columns: Sequence[Column], bases: Mapping[str, Row]) -> str:
    """The first encoder against each other one, recipe by recipe, pair by pair; empty where there is one alone."""
    networks = list(dict.fromkeys(row.network for row in rows))
    lines = []
    for other in networks[1:]:
        for row in (row for row in rows if row.network == networks[0]):
            rival = next(r for r in rows if (r.network, r.method) == (other, row.method))
            for column in columns:
                lines.append(_duel(row, rival, column, bases))
    if not lines:
        return ""
    head = "| method | measure | first | other | medians | first is better in | sign test p |"
    return "\n".join([head, "|---|---|---|---|---|---|--:|", *lines])


def _duel(row: Row, rival: Row, column: Column, bases: Mapping[str, Row]) -> str:
    ours, theirs = shown(row, column, bases), shown(rival, column, bases)
    sign = 1 if column.more_is_better else -1
    wins = sum(sign * (a - b) > 0 for a, b in zip(ours, theirs, strict=True))
    medians = " : ".join(f"{statistics.median(values):.{column.digits + 1}f}" for values in (ours, theirs))
    losses = sum(sign * (a - b) < 0 for a, b in zip(ours, theirs, strict=True))
    return (
        f"| {row.method} | {column.title} | {row.network} | {rival.network} | {medians} | {wins} of {len(ours)} | "
        f"{sign_test(wins, losses):.2f} |"
    )


def sign_test(wins: int, losses: int) -> float:
    """The chance of so uneven a count or a more uneven one, either way, if both were equally good."""
    n, k = wins + losses, max(wins, losses)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n)


def text(
    told: str,
    judges: Mapping[str, Judge],
    columns: Sequence[Column],
    base_rows: Sequence[Row],
    rows: Sequence[Row],
) -> str:
    """The whole report in Markdown."""
    bases = {row.method: row for row in base_rows}
    parts = [told, table([*base_rows, *rows], columns, bases), LEGEND]
    parts += [
        f"Judge *{key}*: {judge.name}. {judge.says[:1].upper()}{judge.says[1:]}."
        for key, judge in judges.items()
    ]
    duels = comparison(rows, columns, bases)
    return "\n\n".join([*parts, duels] if duels else parts) + "\n"


def write_record(path: Path, about: Mapping[str, Any], rows: Sequence[Row], cells: Mapping[str, Any]) -> None:
    """Everything measured, as JSON."""
    record = dict(about) | {
        "rows": [
            {"encoder": r.network, "method": r.method, "seconds": r.seconds, "pairs": dict(r.measures)}
            for r in rows
        ],
        "cells": dict(cells),
    }
    write_whole(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def write_sheet(
    path: Path, folder: Path, pairs: Sequence[Pair], cells: Sequence[Cell], width: int, quality: int
) -> None:
    """Rows pairs; columns photograph, painting, colours alone, and a column for each recipe."""
    titles = list(dict.fromkeys(cell.recipe for cell in cells))
    rows = []
    for pair in pairs:
        made = [next(c for c in cells if (c.pair, c.recipe) == (pair, title)) for title in titles]
        base = baselines(pair)
        rows.append([pair.content(), pair.style(), base["colours alone"], *(c.picture(folder) for c in made)])
    sheet = contact_sheet(
        rows, columns=["photograph", "painting", "colours alone", *titles], cell=width, gap=6
    )
    save_image(sheet, path, overwrite=True, quality=quality)
