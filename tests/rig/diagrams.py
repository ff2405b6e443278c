"""`python -m tests.rig.diagrams`: writes STATES.md, the two state tables of a connector drawn from the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from agent.station.evse import pilot, session
from tests.rig.source_tree import ROOT

TARGET = ROOT / "STATES.md"
HEAD = """# The state tables of a connector

Made from the tables in `agent/station/evse/`; a test says whether they still agree. What stays in its state is not
drawn. The status that a backend sees is derived from both tables and the facts of the moment; it is not a machine.
"""


def mermaid(rows: Iterable[Sequence[Any]], initial: StrEnum) -> str:
    """A state diagram; triggers that lead the same way share one arrow."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source, trigger, target, *_ in rows:
        if target is not None and target != source:
            arrows[source.value, target.value].append(trigger.value)
    lines = [f"    [*] --> {initial.value}"]
    lines += [f"    {source} --> {target}: {', '.join(triggers)}" for (source, target), triggers in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def text() -> str:
    """The whole of STATES.md."""
    return "\n".join(
        [
            HEAD,
            "## Control pilot (IEC 61851-1)\n",
            mermaid(pilot.ROWS, pilot.ROWS[0][0]) + "\n",
            "## Session\n",
            mermaid(session.ROWS, session.SessionState.FREE) + "\n",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name} written")
