"""Text to small blobs and back, exactly.

Theory of operation
-------------------
What wears flash is bytes. Frames and events are JSON that repeats the same names, so they are deflated against a
dictionary of those names: a frame of meter values shrinks to a fifth. The first byte of a blob names how it was made;
a dictionary, once released, is never changed: a better one gets the next number. Four bytes of checksum follow, so
that a damaged frame is found and set aside, and never sent.
"""

from __future__ import annotations

import struct
import zlib

_PLAIN = 0
_DICTIONARY_1 = (
    b"energy_reactive_import power_reactive_import power_factor power_offered current_offered state_of_charge "
    b'"Energy.Reactive.Import.Register""Power.Offered""Current.Offered""SoC""Temperature""Frequency""Percent""Celsius"'
    b'"charging_state":"SuspendedEV""reason":"EVDisconnected""Local""PowerLoss""Remote""trigger":"RemoteStart"'
    b'"offline":true"reservation""remote_start_id""invalidated""stop_token""last_reading_estimated""samples"'
    b'"stopped_at":{"boot":1,"monotonic_ms":,"wall_ms":,"meter_stop_wh":,"stop_reason":"'
    b'{"id":","where":{"evse":1,"connector":1},"token":{"value":"},"authority":"management","started_at":'
    b'{"?":"TransactionStarted","transaction":","meter_start_wh":,"trigger":"Authorized"'
    b'{"?":"TransactionStopped","transaction":","at":{"meter_stop_wh":,"reason":"'
    b'{"?":"TransactionSampled","transaction":","where":{"evse":1,"connector":1},"sample":{"at":{"boot":1,'
    b'"monotonic_ms":,"wall_ms":17},"energy_wh":,"values":[{"measurand":"energy_active_import","value":.0},'
    b'{"measurand":"power_active_import","value":.0},{"measurand":"current_import","value":.0,"phase":"L1"},'
    b'{"measurand":"voltage","value":230.0,"phase":"L2"},"phase":"L3"}],"context":"Sample.Periodic"}}'
    b'[2,"-","StartTransaction",{"connectorId":1,"idTag":"","meterStart":0,"timestamp":"2026-01-01T00:00:00.000Z"}]'
    b'[2,"-","StopTransaction",{"idTag":"","meterStop":0,"timestamp":"202","transactionId":1,"reason":"Local",'
    b'"transactionData":[{"timestamp":"2026-01-01T00:00:00.000Z","sampledValue":['
    b'[2,"","MeterValues",{"connectorId":1,"transactionId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00.000Z",'
    b'"sampledValue":[{"value":"0","context":"Sample.Periodic","format":"Raw",'
    b'"measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"},'
    b'{"value":"7000.0","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"},'
    b'{"value":"16.0","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unit":"A"},'
    b'{"value":"230.0","context":"Sample.Periodic","measurand":"Voltage","phase":"L2-N","unit":"V"},"phase":"L3"]}]}]'
)
_DICTIONARIES = {1: _DICTIONARY_1}
_LATEST = 1


_CHECK = struct.Struct(">I")


def squeeze(text: str) -> bytes:
    """The blob that `expand` turns back into exactly this text."""
    raw = text.encode("utf-8", "surrogatepass")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_DICTIONARIES[_LATEST])
    packed = packer.compress(raw) + packer.flush()
    check = _CHECK.pack(zlib.crc32(raw))
    return bytes([_LATEST]) + check + packed if len(packed) < len(raw) else bytes([_PLAIN]) + check + raw


def expand(blob: object) -> str:
    """The text that was squeezed. Raises ValueError for a blob that is damaged or of a newer release."""
    if not isinstance(blob, bytes) or len(blob) < 1 + _CHECK.size:
        raise ValueError("no blob, or too short a one")
    raw = _unpack(blob[0], blob[1 + _CHECK.size :])
    if _CHECK.pack(zlib.crc32(raw)) != blob[1 : 1 + _CHECK.size]:
        raise ValueError("damaged blob: wrong checksum")
    return raw.decode("utf-8", "surrogatepass")


def _unpack(number: int, packed: bytes) -> bytes:
    if number == _PLAIN:
        return packed
    dictionary = _DICTIONARIES.get(number)
    if dictionary is None:
        raise ValueError(f"packed with dictionary {number}, which this release does not have")
    try:
        unpacker = zlib.decompressobj(-15, zdict=dictionary)
        return unpacker.decompress(packed) + unpacker.flush()
    except zlib.error as error:
        raise ValueError(f"damaged blob: {error}") from None
