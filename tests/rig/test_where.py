"""The page that says where things are is made from the source."""

from __future__ import annotations

from tests.rig.where import TARGET, text


def test_the_page_of_places_is_made_from_the_source() -> None:
    assert TARGET.read_text("utf-8") == text(), "run: python -m tests.rig.where"


OF_THE_OTHERS = [f"stationd.{key} " for key in ("BillingUpstream", "FurtherOperators", "PendingChange", "Primary")]
"""Only told: management reads there who the others are."""


def test_every_key_is_read_somewhere() -> None:
    unread = [line for line in text().split("## Configuration keys")[1].splitlines() if line.endswith("| - |")]
    known = ("ConnectorPhaseRotation ", "AuthorizationKey ", *OF_THE_OTHERS)
    """The rotation is for sharing between phases, which comes later; the key lives with the credentials."""
    assert [line for line in unread if not line.startswith(tuple(f"| {key}" for key in known))] == []
