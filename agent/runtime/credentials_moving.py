"""Moves an upstream to the URL that it has asked for, and back if nobody accepts the station there."""

from __future__ import annotations

from typing import Final

from agent.credentials import moving
from agent.credentials.choice import Choice
from agent.runtime.credentials_world import Reply, World, keep, refusal
from agent.settings.addresses import SecurityProfile
from agent.settings.validate import check_url, normal_url
from agent.vocabulary.commands import Result, ResultStatus, SetOwnUrl
from agent.vocabulary.inputs import SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind

LONGEST_TRIAL_S: Final = 900.0
"""A backend that has asked to be found at its new place is there within a quarter of an hour of trying; and no operator
is without his station for longer because of a typing mistake."""


class Mover:
    """One upstream's."""

    def __init__(self, choice: Choice, world: World) -> None:
        self._choice = choice
        self._world = world

    @property
    def is_moving(self) -> bool:
        """A new URL is being tried."""
        return moving.is_moving(self._choice.holdings, self._world.boot_id)

    async def ask(self, command: SetOwnUrl) -> Reply:
        """Stage a move; the next boot of the system tries it. Raises OSError."""
        choice, world = self._choice, self._world
        if reason := self._why_not(command.url):
            return refusal(reason)
        await keep(choice, lambda held: moving.asked_to(held, choice.address.url, world.boot_id, command.url))
        staged = choice.holdings.moving_to
        status = ResultStatus.REBOOT_REQUIRED if staged else ResultStatus.ACCEPTED
        return Reply(Result(status), changed=f"from the next boot on {staged} is to be dialled" if staged else "")

    def registered(self) -> bool:
        """The station is accepted on the present link. True: it is the new URL, which is in force now."""
        choice = self._choice
        if not self.is_moving or choice.attempted_url != choice.present().url:
            return False
        choice.adopt(moving.moved(choice.holdings, choice.address.url))
        self._tell(SecurityEventKind.RECONFIGURATION_OF_SECURITY_PARAMETERS, f"moved to {choice.present().url}")
        return True

    def give_up(self) -> str:
        """The time is over: the old URL is dialled again. Why the link is to be dialled anew."""
        choice = self._choice
        tried = choice.present().url
        choice.adopt(moving.abandoned(choice.holdings))
        text = f"{tried} has not accepted the station; {choice.present().url} is dialled again"
        self._tell(SecurityEventKind.OWN_URL_ABANDONED, text)
        return "back to the old URL"

    def _why_not(self, url: str) -> str:
        choice = self._choice
        if (complaint := check_url(url)) is not None:
            return f"{complaint.message}; {complaint.remedy}"
        wanted = "wss" if choice.profile >= SecurityProfile.TLS_BASIC else "ws"
        if url.partition("://")[0].lower() != wanted:
            return f"security profile {choice.profile} needs {wanted}://"
        if (normal_url(url), choice.address.identity) in self._world.taken():
            return "another upstream of this station has this URL and identity"
        return ""

    def _tell(self, kind: SecurityEventKind, text: str) -> None:
        self._world.note(text)
        self._world.post(SecurityEventSeen(kind, text, self._choice.address.id))
