"""`[[feed]]` and `[grid]` of the factory file: what bears how much before the connectors do.

A feed names connectors behind one supply line; those that are behind no line of their own are behind the station's
alone (`maximum_current_a` of `[station]`). The grid meter is a meter on a bus like any other, and belongs to no
connector. All currents are in A on each phase.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.settings.fields import Table
from agent.settings.problems import Complaint, quoted
from agent.vocabulary.feeds import FeedOptions, GridOptions
from agent.vocabulary.ids import ConnectorId
from hal.api import GridPlan

LEAST_A, MOST_A = 6, 1_000


@dataclass(frozen=True, slots=True)
class Supply:
    """All of it."""

    maximum_current_a: float | None = None
    feeds: tuple[FeedOptions, ...] = ()
    grid: GridOptions | None = None
    grid_meter: GridPlan | None = None


def read_supply(root: Table, maximum_current_a: float | None, connectors: tuple[int, ...]) -> Supply:
    """Both sections of a factory file."""
    feeds = tuple(_feed(table, connectors) for table in root.tables("feed")) if root.has("feed") else ()
    names = [feed.name for feed in feeds]
    if len(set(names)) != len(names):
        root.complain("feed", f"the names are {', '.join(names)}", "give each feed a name of its own")
    if not root.has("grid"):
        return Supply(maximum_current_a, feeds)
    grid, meter = _grid(root.table("grid"))
    return Supply(maximum_current_a, feeds, grid, meter)


def _feed(table: Table, connectors: tuple[int, ...]) -> FeedOptions:
    mine = table.integers("connectors", ())
    for connector in mine:
        if connector not in connectors:
            table.complain("connectors", f"{connector} is no connector of this file", "name ids of [[connector]]")
    if not mine:
        table.complain("connectors", "is empty", "name the connectors behind this feed")
    name = table.text("name", longest=32)
    maximum_a = table.number("maximum_current_a", LEAST_A, MOST_A)
    table.finish()
    return FeedOptions(name, tuple(ConnectorId(each) for each in mine), maximum_a)


def _grid(table: Table) -> tuple[GridOptions, GridPlan]:
    options = GridOptions(
        fuse_a=table.number("fuse_current_a", LEAST_A, MOST_A), safe_a=table.number("safe_current_a", 0, MOST_A)
    )
    if options.safe_a > options.fuse_a:
        table.complain("safe_current_a", f"{options.safe_a:g} is more than the fuse bears", "use what always is left")
    meter = table.table("meter")
    plan = GridPlan(
        meter=meter.text("profile", check=check_profile),
        bus=meter.text("bus", longest=32),
        unit=meter.integer("unit", 1, 247) if meter.has("unit") else None,
    )
    meter.finish()
    table.finish()
    return options, plan


def check_profile(text: str) -> Complaint | None:
    """The name of a profile: that of its file without `.toml`."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789_")
    if text and set(text) <= allowed and len(text) <= 64:
        return None
    return Complaint(f"{quoted(text)} is no profile name", "use the file name of a profile without .toml")
