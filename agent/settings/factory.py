"""The factory file: what the manufacturer says of this unit. Read only; nothing in the field changes it.

Theory of operation
-------------------
The TOML sections are `[station]`, `[[bus]]`, `[[connector]]` with `[connector.meter]`, `[[reader]]`, `[management]`,
`[[feed]]`, `[grid]` with `[grid.meter]`, `[transfers]`, `[firmware]`, `[privacy]`, and `[options.management]`,
`[options.primary]`, `[options.operator]` (initial OCPP configuration keys by name for each kind of upstream, kept as
they are: only a dialect knows what they mean). Reading is pure: text in, frozen `Factory` out, or `SettingsError` with
every problem found. Whether a board or meter profile exists, and what it needs, is for `hal` to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.settings.addresses import UpstreamAddress
from agent.settings.fields import Source, Table
from agent.settings.firmware import read_firmware
from agent.settings.management import ManagementFiles, read_management
from agent.settings.privacy import read_privacy
from agent.settings.problems import Complaint, quoted
from agent.settings.supply import Supply, check_profile, read_supply
from agent.settings.transfers import Allowance, read_transfers
from agent.vocabulary.firmware import DEFAULT_POLICY, FirmwarePolicy
from agent.vocabulary.ids import ConnectorId, IdToken, IdTokenType
from agent.vocabulary.options import AfterPowerLoss, AuthorisePolicy
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.signing import SignedMetering
from agent.vocabulary.upstreams import UpstreamKind
from hal.api import BusPlan, ConnectorPlan, HardwarePlan, ReaderPlan

InitialValue = str | int | bool
"""Value of an OCPP configuration key as the factory file gives it."""

FORMAT = 1
"""Format of the factory file that this release writes and the newest that it reads (`format = 1` at the top)."""


@dataclass(frozen=True, slots=True)
class StationFacts:
    """`[station]`: what BootNotification says, and the manufacturer's policies. Lengths as in OCPP 1.6 6.2."""

    vendor: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""
    after_power_loss: AfterPowerLoss = AfterPowerLoss.STOP
    resume_gap_s: int = 600
    hard_reset_during_transaction: bool = False
    opening_grace_s: float = 6.0
    continue_on_storage_fault: bool = True
    stop_on_meter_fault: bool = False
    meter_fault_grace_s: float = 60.0
    free_before_accepted: bool = True
    additional_root_check: bool = False
    maximum_current_a: float | None = None


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """What the station (not the hardware layer) must know of one connector."""

    id: ConnectorId
    phases: int
    captive_cable: bool
    authorise: AuthorisePolicy
    free_token: IdToken | None
    signed: SignedMetering = SignedMetering.IF_POSSIBLE


@dataclass(frozen=True, slots=True)
class Factory:
    """The whole factory file."""

    station: StationFacts
    hardware: HardwarePlan
    connectors: tuple[ConnectorFacts, ...]
    management: UpstreamAddress
    management_files: ManagementFiles = field(default_factory=ManagementFiles)
    """Files that hold what the factory file does not hold itself; read by `files`."""
    initial_keys: Mapping[str, Mapping[str, InitialValue]] = field(default_factory=dict)
    """OCPP key values by kind of upstream (`management`, `primary`, `operator`), then by key name."""
    transfers: frozenset[Allowance] = frozenset()
    """What backends may name as places for files."""
    supply: Supply = field(default_factory=Supply)
    """What bears how much before the connectors do."""
    firmware: FirmwarePolicy = DEFAULT_POLICY
    privacy: Mapping[UpstreamKind, IdTagPolicy] = field(default_factory=lambda: DEFAULT_PRIVACY)
    """What is told of cards, by kind of upstream."""


def parse_factory(file: str, text: str) -> Factory:
    """Read a factory file. `file` is for messages. Raises SettingsError with every problem and its line."""
    source = Source(file, text)
    root = source.root()
    root.integer("format", 1, FORMAT, default=FORMAT)
    station = _station(root.table("station"))
    buses = tuple(_bus(table) for table in root.tables("bus"))
    connectors = tuple(_connector(table) for table in root.tables("connector"))
    readers = tuple(_reader(table, tuple(plan.id for plan, _ in connectors)) for table in root.tables("reader"))
    management, management_files = read_management(root.table("management"))
    initial_keys = _initial_keys(root.table("options")) if root.has("options") else {}
    transfers = read_transfers(root.table("transfers")) if root.has("transfers") else frozenset[Allowance]()
    privacy = read_privacy(root.table("privacy")) if root.has("privacy") else DEFAULT_PRIVACY
    supply = read_supply(root, station.maximum_current_a, tuple(plan.id for plan, _ in connectors))
    firmware = read_firmware(root.table("firmware")) if root.has("firmware") else DEFAULT_POLICY
    root.finish()
    hardware = HardwarePlan(buses, tuple(plan for plan, _ in connectors), readers, supply.grid_meter)
    _cross_check(root, hardware)
    source.check()
    return Factory(
        station,
        hardware,
        tuple(facts for _, facts in connectors),
        management,
        management_files,
        initial_keys,
        transfers,
        supply,
        firmware,
        privacy,
    )


def _station(table: Table) -> StationFacts:
    facts = StationFacts(
        vendor=table.text("vendor", longest=20),
        model=table.text("model", longest=20),
        serial_number=table.text("serial_number", default="", longest=25),
        firmware_version=table.text("firmware_version", default="", longest=50),
        after_power_loss=table.choice("after_power_loss", AfterPowerLoss, AfterPowerLoss.STOP),
        resume_gap_s=table.integer("resume_gap_s", 0, 86_400, default=600),
        hard_reset_during_transaction=table.boolean("hard_reset_during_transaction", False),
        opening_grace_s=table.number("opening_grace_s", 0, 60, default=6.0),
        continue_on_storage_fault=table.boolean("continue_on_storage_fault", True),
        stop_on_meter_fault=table.boolean("stop_on_meter_fault", False),
        meter_fault_grace_s=table.number("meter_fault_grace_s", 0, 3_600, default=60.0),
        free_before_accepted=table.boolean("free_before_accepted", True),
        additional_root_check=table.boolean("additional_root_check", False),
        maximum_current_a=table.number("maximum_current_a", 6, 1_000) if table.has("maximum_current_a") else None,
    )
    table.finish()
    return facts


def _bus(table: Table) -> BusPlan:
    plan = BusPlan(
        name=table.text("name", longest=32),
        port=table.text("port", longest=255),
        baud=table.integer("baud", 300, 4_000_000) if table.has("baud") else None,
        parity=table.text("parity", check=_check_parity) if table.has("parity") else None,
        stop_bits=table.integer("stop_bits", 1, 2) if table.has("stop_bits") else None,
    )
    table.finish()
    return plan


def _connector(table: Table) -> tuple[ConnectorPlan, ConnectorFacts]:
    meter = table.table("meter")
    phases = table.integer("phases", 1, 3, default=3)
    if phases == 2:
        table.complain("phases", "2 is not possible", "use 1 or 3")
    authorise = table.choice("authorise", AuthorisePolicy, AuthorisePolicy.CARD)
    signed = meter.choice("signed", SignedMetering, SignedMetering.IF_POSSIBLE)
    plan = ConnectorPlan(
        id=table.integer("id", 1, 64),
        board=table.text("board", check=check_profile),
        board_bus=table.text("bus", longest=32),
        board_unit=table.integer("unit", 1, 247) if table.has("unit") else None,
        meter=meter.text("profile", check=check_profile),
        meter_bus=meter.text("bus", longest=32),
        meter_unit=meter.integer("unit", 1, 247) if meter.has("unit") else None,
        maximum_current_a=table.number("maximum_current_a", 6, 80),
        phases=phases,
        captive_cable=table.boolean("captive_cable", False),
        key_input=authorise is AuthorisePolicy.KEY_INPUT,
        signing_required=signed is SignedMetering.REQUIRED,
    )
    token = _free_token(table, authorise)
    facts = ConnectorFacts(ConnectorId(plan.id), phases, plan.captive_cable, authorise, token, signed)
    meter.finish()
    table.finish()
    return plan, facts


def _free_token(table: Table, authorise: AuthorisePolicy) -> IdToken | None:
    """The tag that a free connector or one with a key switch reports to Billing (OCPP 1.6 7.28): 20 characters."""
    text = table.text("free_token", default="", longest=20)
    if authorise is AuthorisePolicy.FREE and not text:
        table.complain("free_token", "is missing but this connector is free", 'write free_token = "FREE" or the like')
    if authorise is AuthorisePolicy.KEY_INPUT and not text:
        table.complain("free_token", "is missing but a key starts sessions", 'write free_token = "KEY" or the like')
    if authorise is AuthorisePolicy.CARD and text:
        table.complain("free_token", "is given but this connector asks for a card", 'write authorise = "free"')
    return IdToken(text, IdTokenType.NO_AUTHORIZATION) if text else None


def _reader(table: Table, all_connectors: tuple[int, ...]) -> ReaderPlan:
    plan = ReaderPlan(
        name=table.text("name", longest=32),
        profile=table.text("profile", check=check_profile),
        port=table.text("port", longest=255),
        connectors=table.integers("connectors", all_connectors),
        baud=table.integer("baud", 300, 4_000_000) if table.has("baud") else None,
    )
    for connector in plan.connectors:
        if connector not in all_connectors:
            table.complain("connectors", f"{connector} is no connector of this file", "name ids of [[connector]]")
    if not plan.connectors:
        table.complain("connectors", "is empty", "name the connectors that this reader serves")
    table.finish()
    return plan


def _initial_keys(table: Table) -> dict[str, dict[str, InitialValue]]:
    keys: dict[str, dict[str, InitialValue]] = {}
    for name in UpstreamKind:
        if table.has(name):
            section = table.table(name)
            keys[name] = {}
            for key, value in section.items():
                if isinstance(value, str | int):
                    keys[name][key] = value
                else:
                    section.complain(
                        key, f"{quoted(value)} is no key value", "use a text, a whole number, true or false"
                    )
    table.finish()
    return keys


def _cross_check(root: Table, plan: HardwarePlan) -> None:
    """What must fit together between the sections."""
    ids = sorted(connector.id for connector in plan.connectors)
    if ids != list(range(1, len(ids) + 1)) or not ids:
        root.complain("connector", f"ids are {ids}", "number the connectors 1, 2, 3 and so on, with at least one")
    names = {bus.name for bus in plan.buses}
    for where, place in _bus_references(plan):
        if where not in names:
            root.complain(
                "connector", f"{place} is on bus {quoted(where)}, which there is none of", "add it as [[bus]]"
            )
    ports = [bus.port for bus in plan.buses] + [reader.port for reader in plan.readers]
    _refuse_repeats(root, "bus", [bus.name for bus in plan.buses], "a bus name", "give each bus a name of its own")
    _refuse_repeats(root, "reader", [r.name for r in plan.readers], "a reader name", "give each reader its own name")
    _refuse_repeats(root, "bus", ports, "a port", "one port carries one bus or one reader")
    _refuse_repeats(root, "connector", _units(plan), "a unit", "give every device on a bus a unit of its own")


def _refuse_repeats(root: Table, section: str, values: list[str], what: str, remedy: str) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            root.complain(section, f"{quoted(value)} is {what} {count} times", remedy)


def _bus_references(plan: HardwarePlan) -> list[tuple[str, str]]:
    boards = [(connector.board_bus, f"the board of connector {connector.id}") for connector in plan.connectors]
    boards += [(plan.grid.bus, "the grid meter")] if plan.grid else []
    return boards + [(connector.meter_bus, f"the meter of connector {connector.id}") for connector in plan.connectors]


def _units(plan: HardwarePlan) -> list[str]:
    boards = [f"{c.board_bus} unit {c.board_unit}" for c in plan.connectors if c.board_unit is not None]
    boards += [f"{plan.grid.bus} unit {plan.grid.unit}"] if plan.grid and plan.grid.unit is not None else []
    return boards + [f"{c.meter_bus} unit {c.meter_unit}" for c in plan.connectors if c.meter_unit is not None]


def _check_parity(text: str) -> Complaint | None:
    return None if text in ("N", "E", "O") else Complaint(f"{quoted(text)} is no parity", "use N, E or O")
