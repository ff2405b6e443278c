"""Every request of OCPP 1.6 from every role in every state, over real links: what is refused is what the table says.

A refusal by role is noted in the log with who asked and what; so each cell is judged by its answer and by that note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ocpp.exceptions import OCPPError
from ocpp.v16 import call

from agent.settings.services import ServiceSettings
from agent.settings.settings import Settings
from agent.station.upstreams.permissions import PERMISSIONS, Condition, Situation, Verb, permission
from agent.vocabulary.commands import AT_THE_STATION, CommandKind, ResultStatus
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services
from agent.vocabulary.upstreams import Asker
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import SAME_CARD_S, back, begin, leave, wait

K, S = CommandKind, Situation
ENERGY = UpstreamId("operator-1")
CARDS = {"billing": CARD, "operator-1": "0E112233445566", "management": "0F112233445566"}
"""Whose card it is says whose transaction it becomes."""
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
HASH = {
    "hash_algorithm": "SHA256",
    "issuer_name_hash": "a" * 64,
    "issuer_key_hash": "b" * 64,
    "serial_number": "1",
}
NOWHERE = "ftp://127.0.0.1/x"
LATER = "2099-01-01T00:00:00Z"
PROFILE: dict[str, Any] = {
    "charging_profile_id": 1,
    "stack_level": 0,
    "charging_profile_purpose": "TxDefaultProfile",
    "charging_profile_kind": "Relative",
    "charging_schedule": {
        "charging_rate_unit": "A",
        "charging_schedule_period": [{"start_period": 0, "limit": 16.0}],
    },
}
FIRMWARE = {"location": NOWHERE, "retrieve_date_time": LATER, "signing_certificate": PEM, "signature": "AAAA"}

ASK: Mapping[CommandKind, Callable[[int], Any]] = {
    K.REMOTE_START: lambda own: call.RemoteStartTransaction(id_tag=CARD, connector_id=1),
    K.REMOTE_STOP: lambda own: call.RemoteStopTransaction(transaction_id=own),
    K.CHANGE_AVAILABILITY: lambda own: call.ChangeAvailability(connector_id=1, type="Inoperative"),
    K.UNLOCK: lambda own: call.UnlockConnector(connector_id=1),
    K.RESET_SOFT: lambda own: call.Reset(type="Soft"),
    K.RESET_HARD: lambda own: call.Reset(type="Hard"),
    K.GET_OPTIONS: lambda own: call.GetConfiguration(),
    K.SET_OPTION: lambda own: call.ChangeConfiguration(key="MeterValueSampleInterval", value="30"),
    K.CLEAR_CACHE: lambda own: call.ClearCache(),
    K.SEND_LIST: lambda own: call.SendLocalList(list_version=1, update_type="Full", local_authorization_list=[]),
    K.GET_LIST_VERSION: lambda own: call.GetLocalListVersion(),
    K.RESERVE: lambda own: call.ReserveNow(connector_id=1, expiry_date=LATER, id_tag=CARD, reservation_id=5),
    K.CANCEL_RESERVATION: lambda own: call.CancelReservation(reservation_id=5),
    K.SET_PROFILE: lambda own: call.SetChargingProfile(connector_id=1, cs_charging_profiles=PROFILE),
    K.CLEAR_PROFILES: lambda own: call.ClearChargingProfile(id=1),
    K.GET_COMPOSITE: lambda own: call.GetCompositeSchedule(connector_id=1, duration=60),
    K.TRIGGER: lambda own: call.TriggerMessage(requested_message="Heartbeat"),
    K.GET_DIAGNOSTICS: lambda own: call.GetDiagnostics(location=NOWHERE),
    K.GET_LOG: lambda own: call.GetLog(log={"remote_location": NOWHERE}, log_type="SecurityLog", request_id=1),
    K.SET_PASSWORD: lambda own: call.ChangeConfiguration(key="AuthorizationKey", value="a-new-password-of-20"),
    K.RAISE_SECURITY_PROFILE: lambda own: call.ChangeConfiguration(key="SecurityProfile", value="3"),
    K.INSTALL_ROOT: lambda own: _root("CentralSystemRootCertificate"),
    K.INSTALL_MANUFACTURER_ROOT: lambda own: _root("ManufacturerRootCertificate"),
    K.LIST_ROOTS: lambda own: call.GetInstalledCertificateIds(certificate_type="CentralSystemRootCertificate"),
    K.LIST_MANUFACTURER_ROOTS: lambda own: call.GetInstalledCertificateIds(
        certificate_type="ManufacturerRootCertificate"
    ),
    K.DELETE_CERTIFICATE: lambda own: call.DeleteCertificate(certificate_hash_data=HASH),
    K.TAKE_CERTIFICATE: lambda own: call.CertificateSigned(certificate_chain=PEM),
    K.RENEW_CERTIFICATE: lambda own: call.ExtendedTriggerMessage(requested_message="SignChargePointCertificate"),
    K.ASK_OPERATORS: lambda own: call.DataTransfer(vendor_id="stationd", message_id="ListOperators", data="{}"),
    K.SET_OWN_URL: lambda own: call.ChangeConfiguration(key="stationd.OwnUrl", value="ws://"),
    K.UPDATE_FIRMWARE: lambda own: call.UpdateFirmware(location=NOWHERE, retrieve_date=LATER),
    K.SIGNED_UPDATE_FIRMWARE: lambda own: call.SignedUpdateFirmware(request_id=1, firmware=FIRMWARE),
}
"""One request for each kind of command; `own`: the id that the asking upstream gave to the transaction."""

ENDS = (K.REMOTE_START, K.REMOTE_STOP, K.UNLOCK, K.RESET_SOFT, K.RESET_HARD)
"""After one of these that is allowed nothing is as it was."""

REFUSED: Mapping[ResultStatus, str] = {
    ResultStatus.REJECTED: "Rejected",
    ResultStatus.NOT_SUPPORTED: "NotSupported",
    ResultStatus.UNLOCK_FAILED: "UnlockFailed",
    ResultStatus.NOT_FOUND: "NotFound",
    ResultStatus.UNKNOWN_VENDOR: "UnknownVendorId",
}
ALLOWED: Mapping[CommandKind, str] = {
    K.REMOTE_START: "Accepted",
    K.REMOTE_STOP: "Accepted",
    K.UNLOCK: "Unlocked",
    K.RESET_SOFT: "Accepted",
    K.RESET_HARD: "Accepted",
    K.CHANGE_AVAILABILITY: "Accepted",
    K.SET_OPTION: "Accepted",
    K.CLEAR_CACHE: "Accepted",
    K.SEND_LIST: "Accepted",
    K.SET_PROFILE: "Accepted",
    K.CLEAR_PROFILES: "Accepted",
    K.GET_COMPOSITE: "Accepted",
    K.TRIGGER: "Accepted",
}
"""What is answered where the table allows and nothing else is against it; the others may fail for other reasons."""


def _root(use: str) -> Any:
    return call.InstallCertificate(certificate_type=use, certificate=PEM)


class Walk(StationRig):
    """A station whose cards belong to whom they name, so that each upstream may own a transaction."""

    def settings(self) -> Settings:
        """As the rig's, and routes for cards."""
        plain = StationRig.settings(self)
        others = [one.id for one in plain.upstreams if one.id in CARDS and one.id != plain.billing]
        routes = tuple(RouteRule(RouteBy.TOKEN_PREFIX, CARDS[one][:2], one) for one in others)
        asked = {one: Services(online=True) for one in (*others, plain.billing)}
        return replace(plain, services=ServiceSettings(asked, CardServices(routes)))


@dataclass(slots=True)
class Seat:
    """One upstream, and what it is to the station."""

    asker: Asker
    upstream: UpstreamId
    backend: ScriptedBackend


def seats(rig: StationRig) -> list[Seat]:
    energy = Seat(Asker.OPERATOR, ENERGY, rig.operators[0])
    if not rig.options.primary:
        return [Seat(Asker.MANAGEMENT_BILLING, MANAGEMENT, rig.management), energy]
    primary = Seat(Asker.PRIMARY, UpstreamId("primary-1"), rig.primary)
    return [Seat(Asker.MANAGEMENT, MANAGEMENT, rig.management), primary, energy]


def given(asker: Asker) -> frozenset[Condition]:
    """What the factory file of the rig gives."""
    billing = {Condition.RESERVATIONS} if asker in (Asker.MANAGEMENT_BILLING, Asker.PRIMARY) else set()
    return frozenset(billing if asker is Asker.OPERATOR else billing | {Condition.FIRMWARE})


async def answer_to(rig: StationRig, seat: Seat, kind: CommandKind) -> tuple[str, bool]:
    """The status on the wire, and whether the station noted a refusal by role."""
    starts = [start.foreign_id for start in seat.backend.ledger.starts() if start.foreign_id]
    before = _refusals(rig, seat, kind)
    try:
        answer = await seat.backend.call(ASK[kind](starts[-1] if starts else 999_999))
    except OCPPError as error:
        status = error.code
    else:
        status = str(answer.get("status", answer.get("list_version", "")))
    return status, _refusals(rig, seat, kind) > before


def _refusals(rig: StationRig, seat: Seat, kind: CommandKind) -> int:
    words = {f"{kind.value}: {cell.reason}" for (_, one, _), cell in PERMISSIONS.items() if one is kind and cell.reason}
    noted = [line for line in rig.agent.log.splitlines() if "station.command_refused" in line]
    return len([line for line in noted if seat.upstream in line and any(word in line for word in words)])


async def judge(rig: StationRig, seat: Seat, kind: CommandKind, situation: Situation) -> None:
    """One cell: ask, and compare."""
    decision = permission(seat.asker, kind, situation, given(seat.asker))
    status, refused = await answer_to(rig, seat, kind)
    where = f"{seat.asker} {kind} {situation}: {status}"
    assert refused is (decision.verb is Verb.REFUSE), where
    if decision.verb is Verb.REFUSE and kind is not K.GET_LIST_VERSION:
        assert decision.status is not None
        assert status == REFUSED[decision.status], where
    elif decision.verb is Verb.SCHEDULE:
        assert status == "Scheduled", where
    elif decision.verb is Verb.ALLOW and kind in ALLOWED:
        assert status == ALLOWED[kind], where
    if kind is K.GET_LIST_VERSION:
        assert (status == "-1") is refused, where
    if kind is K.CHANGE_AVAILABILITY:
        assert await seat.backend.change_availability(1, "Operative") == "Accepted"


async def harmless(rig: StationRig, seat: Seat, situation: Situation) -> None:
    """Every request but those that would change the state and are allowed to."""
    for kind in ASK:
        if kind in ENDS and permission(seat.asker, kind, situation, given(seat.asker)).verb is Verb.ALLOW:
            continue
        await judge(rig, seat, kind, situation)
        await rig.until(lambda: all(one.connected.is_set() for one in rig.backends), within_s=60)
    assert rig.closed() is (situation is not S.NO_TRANSACTION)


async def harmful(rig: StationRig, seat: Seat, kind: CommandKind, situation: Situation) -> None:
    """A request that is allowed to change the state; afterwards the station is idle again."""
    running = situation is not S.NO_TRANSACTION
    await judge(rig, seat, kind, situation)
    if kind in (K.RESET_SOFT, K.RESET_HARD):
        await back(rig, rig.restarted())
    if running:
        await over(rig)
    elif kind is K.REMOTE_START:
        await wait(130)  # nobody plugs in


async def over(rig: StationRig) -> None:
    """The transaction has ended, its cable is free, and the car leaves."""
    await rig.until(lambda: not rig.closed(), within_s=30)
    await rig.until_settled()
    await wait(5)
    await leave(rig)


def walk(folder: Path, authority: str, *, primary: bool) -> None:
    """All cells of a transaction of this authority (empty: of no transaction)."""

    async def main() -> None:
        async with Walk(folder, RigOptions(primary=primary, operators=1)) as rig:
            await rig.ready()
            owner = "billing" if authority == rig.billing.name else authority
            for seat in seats(rig):
                situation = S.NO_TRANSACTION
                if authority:
                    situation = S.OWN_TRANSACTION if seat.backend.name == authority else S.FOREIGN_TRANSACTION
                    await begin(rig, card=CARDS[owner])
                await harmless(rig, seat, situation)
                for kind in ENDS:
                    if permission(seat.asker, kind, situation, given(seat.asker)).verb is Verb.ALLOW:
                        await harmful(rig, seat, kind, situation)
                        if authority:
                            await begin(rig, card=CARDS[owner])
                if authority:
                    await wait(SAME_CARD_S)
                    rig.card(CARDS[owner])
                    await over(rig)

    run_virtual(main(), real_limit_s=200)


@pytest.mark.rule("security.ATK-27")
@pytest.mark.rule("product.P3")
@pytest.mark.rule("product.P4")
@pytest.mark.rule("product.A10")
@pytest.mark.rule("two-upstreams.TU05")
@pytest.mark.rule("two-upstreams.TU07")
@pytest.mark.parametrize("authority", ["", "primary", "operator-1", "management"])
def test_beside_a_primary_every_role_may_do_what_the_table_says(tmp_path: Path, authority: str) -> None:
    walk(tmp_path, authority, primary=True)


@pytest.mark.rule("security.ATK-27")
@pytest.mark.parametrize("authority", ["", "management", "operator-1"])
def test_with_management_alone_every_role_may_do_what_the_table_says(tmp_path: Path, authority: str) -> None:
    walk(tmp_path, authority, primary=False)


def test_every_kind_of_command_is_asked_for() -> None:
    assert set(ASK) == set(CommandKind) - AT_THE_STATION
