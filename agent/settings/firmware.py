"""`[firmware]` of the factory file: who may update the station, and by which messages."""

from __future__ import annotations

from agent.settings.fields import Table
from agent.vocabulary.firmware import DEFAULT_POLICY, FirmwarePolicy, LegacyFirmware


def read_firmware(table: Table) -> FirmwarePolicy:
    """All of it is optional; what contradicts itself is complained of."""
    default = DEFAULT_POLICY
    policy = FirmwarePolicy(
        reserved_for_management=table.boolean("reserved_for_management", default.reserved_for_management),
        operators_may_update=table.boolean("operators_may_update", default.operators_may_update),
        legacy=table.choice("legacy", LegacyFirmware, default.legacy),
        tell_management=table.boolean("tell_management", default.tell_management),
    )
    table.finish()
    if policy.reserved_for_management and policy.operators_may_update:
        table.complain(
            "operators_may_update", "is true, but updates are reserved for management", "let one of the two be false"
        )
    return policy
