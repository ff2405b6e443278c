"""What the people behind a backend can ask of a station: one method per request, for tests and for the demo."""

from __future__ import annotations

from typing import Any, Protocol

from ocpp.charge_point import remove_nones, serialize_as_dict
from ocpp.exceptions import OCPPError
from ocpp.v16 import call

PAST = "2020-01-01T00:00:00Z"
"""A date for what is to be done at once."""


class Line(Protocol):
    """The connection to ask over."""

    async def request(self, payload: Any) -> Any:
        """Send one call, return its answer."""


class Asking:
    """Base of a backend: requests to the station. Each raises TimeoutError when no answer comes."""

    def line(self) -> Line:
        """The present connection; ConnectionError if there is none."""
        raise NotImplementedError

    async def call(self, payload: Any) -> dict[str, Any]:
        """Send a request of `ocpp.v16.call`; its answer as a dictionary in the package's spelling."""
        answer = await self.line().request(payload)
        return dict(remove_nones(serialize_as_dict(answer)))

    async def status_of(self, payload: Any) -> str:
        """As `call`, but only `status`, or `CALLERROR <code>`."""
        try:
            return str((await self.call(payload))["status"])
        except OCPPError as error:
            return f"CALLERROR {error.code}"


class Operator(Asking):
    """What is asked every day."""

    async def remote_start(self, id_tag: str, connector: int | None = None) -> str:
        """RemoteStartTransaction: the status."""
        return await self.status_of(call.RemoteStartTransaction(id_tag=id_tag, connector_id=connector))

    async def remote_stop(self, transaction_id: int) -> str:
        """RemoteStopTransaction: the status."""
        return await self.status_of(call.RemoteStopTransaction(transaction_id=transaction_id))

    async def trigger(self, message: str, connector: int | None = None) -> str:
        """TriggerMessage: the status."""
        return await self.status_of(call.TriggerMessage(requested_message=message, connector_id=connector))

    async def extended_trigger(self, message: str, connector: int | None = None) -> str:
        """ExtendedTriggerMessage: the status."""
        return await self.status_of(call.ExtendedTriggerMessage(requested_message=message, connector_id=connector))

    async def reset(self, kind: str = "Soft") -> str:
        """Reset: the status."""
        return await self.status_of(call.Reset(type=kind))

    async def unlock(self, connector: int) -> str:
        """UnlockConnector: the status."""
        return await self.status_of(call.UnlockConnector(connector_id=connector))

    async def change_availability(self, connector: int, kind: str) -> str:
        """ChangeAvailability with `Operative` or `Inoperative`: the status."""
        return await self.status_of(call.ChangeAvailability(connector_id=connector, type=kind))

    async def change_configuration(self, key: str, value: str) -> str:
        """ChangeConfiguration: the status."""
        return await self.status_of(call.ChangeConfiguration(key=key, value=value))

    async def get_configuration(self, *keys: str) -> tuple[dict[str, tuple[str | None, bool]], list[str]]:
        """GetConfiguration: value and readonly by key, and the unknown keys."""
        answer = await self.call(call.GetConfiguration(key=list(keys) or None))
        known = {row["key"]: (row.get("value"), row["readonly"]) for row in answer.get("configuration_key", [])}
        return known, list(answer.get("unknown_key", []))

    async def clear_cache(self) -> str:
        """ClearCache: the status."""
        return await self.status_of(call.ClearCache())


class FileOperator(Asking):
    """What is asked about files: diagnostics, logs, firmware."""

    async def get_diagnostics(self, location: str, **further: Any) -> str | None:
        """GetDiagnostics: the name of the file, None if there is none."""
        answer = await self.call(call.GetDiagnostics(location=location, **further))
        return answer.get("file_name")

    async def get_log(self, location: str, kind: str = "SecurityLog", request_id: int = 1, **further: Any) -> str:
        """GetLog: the status. `further` as of the request (`retries`) or of its `log` (`oldest_timestamp`)."""
        log = {"remote_location": location} | {k: v for k, v in further.items() if k.endswith("_timestamp")}
        further = {k: v for k, v in further.items() if k not in log}
        return await self.status_of(call.GetLog(log=log, log_type=kind, request_id=request_id, **further))

    async def update_firmware(self, location: str, date: str = PAST, **further: Any) -> str:
        """UpdateFirmware, whose answer is empty: `Accepted`, or `CALLERROR <code>`."""
        try:
            await self.call(call.UpdateFirmware(location=location, retrieve_date=date, **further))
        except OCPPError as error:
            return f"CALLERROR {error.code}"
        return "Accepted"

    async def signed_update_firmware(
        self, location: str, certificate: str, signature: str, request_id: int = 1, date: str = PAST, **further: Any
    ) -> str:
        """SignedUpdateFirmware: the status. `further` as of the request, or `install_date_time`."""
        firmware = {"location": location, "retrieve_date_time": date}
        firmware |= {"signing_certificate": certificate, "signature": signature}
        firmware |= {name: further.pop(name) for name in list(further) if name == "install_date_time"}
        return await self.status_of(call.SignedUpdateFirmware(request_id=request_id, firmware=firmware, **further))


class SecurityOperator(Asking):
    """What is asked about certificates."""

    async def trigger_certificate(self) -> str:
        """ExtendedTriggerMessage for SignChargePointCertificate: the status."""
        return await self.status_of(call.ExtendedTriggerMessage(requested_message="SignChargePointCertificate"))

    async def certificate_signed(self, chain_pem: str) -> str:
        """CertificateSigned: the status."""
        return await self.status_of(call.CertificateSigned(certificate_chain=chain_pem))

    async def install_certificate(self, use: str, pem: str) -> str:
        """InstallCertificate, `use` as `CentralSystemRootCertificate`: the status."""
        return await self.status_of(call.InstallCertificate(certificate_type=use, certificate=pem))

    async def installed_certificates(self, use: str) -> tuple[str, list[dict[str, str]]]:
        """GetInstalledCertificateIds: the status and the hashes, in the spelling of the package."""
        answer = await self.call(call.GetInstalledCertificateIds(certificate_type=use))
        return str(answer["status"]), list(answer.get("certificate_hash_data", []))

    async def delete_certificate(self, hashes: dict[str, str]) -> str:
        """DeleteCertificate, with hashes as `installed_certificates` returns them: the status."""
        return await self.status_of(call.DeleteCertificate(certificate_hash_data=hashes))
