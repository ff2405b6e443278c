"""The tales that are cut everywhere: short sessions with everything in them that must survive.

Those that begin like the whole session arm the fuse where something else begins: what lies before is the same.
"""

from __future__ import annotations

from dataclasses import replace

from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.sweep import Tale
from tests.scenarios.acts import PHOENIX, SAME_CARD_S, wait

STALL_S = 4.5
CHARGED_S = 3.0
"""Long enough for some Wh: a car draws its current a second and a half after the contacts closed."""


async def begin(rig: StationRig) -> None:
    """A car is plugged and a card is shown, and it charges."""
    await rig.ready()
    rig.plug()
    await rig.until_status("Preparing")
    rig.card()
    await rig.until_status("Charging")


async def leave(rig: StationRig) -> None:
    """The car goes, and everything is delivered."""
    rig.unplug()
    await rig.until_status("Available")
    await rig.until_settled()


async def _session(rig: StationRig) -> None:
    await begin(rig)
    await wait(CHARGED_S)
    rig.card()
    await rig.until_status("Finishing")
    await leave(rig)


async def _reset(rig: StationRig) -> None:
    await begin(rig)
    await wait(CHARGED_S)
    rig.arm()
    assert await rig.primary.reset("Soft") == "Accepted"
    await rig.restarted()
    await rig.until_settled()
    assert await rig.primary.reset("Hard") == "Accepted"
    await rig.restarted()
    await rig.until_settled()
    await wait(1.0)
    await leave(rig)


async def _timer(rig: StationRig) -> None:
    await rig.ready()
    rig.plug(timer_s=13.0)
    await rig.until_status("Preparing")
    rig.arm()
    rig.card()
    await rig.until_status("SuspendedEV")
    await rig.until_status("Charging")
    await wait(CHARGED_S)
    await leave(rig)


async def _recovery(rig: StationRig) -> None:
    await begin(rig)
    await wait(CHARGED_S)
    rig.arm()
    await rig.power_cut(off_s=1.0)
    await rig.until_settled()
    await leave(rig)


async def _resumption(rig: StationRig) -> None:
    await begin(rig)
    await wait(CHARGED_S)
    rig.arm()
    await rig.kill(down_s=1.0)
    await rig.until_resumed()
    await wait(1.0)
    await leave(rig)


async def _slow_disk(rig: StationRig) -> None:
    await rig.ready()
    rig.plug()
    await rig.until_status("Preparing")
    rig.arm()
    rig.agent.disk.stall_s = STALL_S
    rig.card()
    await rig.until(lambda: rig.agent.stalled, within_s=5, what="the record of the start on its way to the disk")
    await wait(SAME_CARD_S)
    rig.card()  # the same card ends it before the record of its start is synced
    await rig.until(lambda: rig.commits, within_s=3 * STALL_S, what="the record of the start on the disk")
    rig.agent.disk.stall_s = 0.0
    await rig.until_settled()
    await wait(4.0)
    await leave(rig)


def _sampling(seconds: int) -> RigOptions:
    keys = {"MeterValueSampleInterval": seconds}
    return RigOptions(management_keys=dict(keys), primary_keys=dict(keys))


SESSION = Tale("a whole session", _session, _sampling(2))
RESET = Tale("a session with a soft reset, then a hard one", _reset, _sampling(2), armed=False)
TIMER = Tale("a session whose car waits for its own timer", _timer, _sampling(5), armed=False)
RECOVERY = Tale("a recovery", _recovery, replace(_sampling(2), board=PHOENIX), armed=False)
RESUMPTION = Tale(
    "a session that goes on after a death of the process",
    _resumption,
    replace(_sampling(2), station={"after_power_loss": "resume"}),
    armed=False,
    resumes=True,
)
SLOW_DISK = Tale("a session on a slow disk that its card ends at once", _slow_disk, _sampling(2), armed=False)
TALES = (SESSION, RESET, TIMER, RECOVERY, RESUMPTION, SLOW_DISK)
