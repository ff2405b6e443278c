"""What local people may see and change about cards, in terms of the running agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.control.card_requests import Decisions, SetOutageMode
from agent.control.card_views import AskedView, DecisionView, RouteView, ServicesView
from agent.control.request_fields import refuse
from agent.control.server import CardAbilities
from agent.runtime.settings_desk import SettingsDesk
from agent.runtime.writer import Writer
from agent.settings.service_edits import asked_of
from agent.settings.settings import Settings
from agent.station.authorization.refusals import plain_reason
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.inputs import Input, OutageModeRequested
from agent.vocabulary.outage import OutageMode, forbidden_mode
from agent.vocabulary.overview import StationOverview
from agent.vocabulary.records import LadderStep
from agent.vocabulary.services import RouteBy, RouteRule

INERT = "they do not count while an operator is Billing, but for outages in the mode local-only"


class CardDesk:
    """Services, decisions, and the outage mode."""

    def __init__(
        self,
        settings: Settings,
        desk: SettingsDesk,
        writer: Writer,
        overview: Callable[[], StationOverview],
        post: Callable[[Input], None],
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._writer = writer
        self._overview = overview
        self._post = post

    def abilities(self) -> CardAbilities:
        """For the control server."""
        return CardAbilities(self.services, self._desk.edit_services, self.decisions, self.set_outage_mode)

    def services(self) -> ServicesView:
        """What is in force."""
        settings, overview, names = self._settings, self._overview(), self._names()
        settled = settings.services.settled
        asked = [(one, asked_of(settings.services, one, settings.billing)) for one in names]
        keeper = settled.reservations or settings.billing
        return ServicesView(
            tuple(AskedView(one, names[one], has.online, has.broadcast) for one, has in asked),
            tuple(_route(number, rule, names) for number, rule in enumerate(settled.routes, start=1)),
            names.get(keeper, keeper),
            {str(connector): name for connector, name in settled.evse_ids.items()},
            tuple(card.masked for card in settled.cards),
            "" if settings.billing == MANAGEMENT else INERT,
            overview.outage_mode.value,
            overview.free_vend_wh,
            self._desk.pending,
        )

    async def decisions(self, wanted: Decisions) -> list[DecisionView]:
        """The newest decisions, and why each refusal was one."""
        connector = None if wanted.connector is None else ConnectorId(wanted.connector)
        steps = await self._writer.ask(lambda store: store.archive.decisions(wanted.limit, connector))
        return [DecisionView(step, _why(step, self._names())) for step in steps]

    def set_outage_mode(self, wanted: SetOutageMode, who: str) -> str:
        """From now on this holds while nobody answers."""
        if wanted.cap_wh is not None and wanted.mode is not OutageMode.FREE_VEND:
            raise refuse("cap_wh", f"{wanted.mode.value} has no energy cap", "leave it out, or choose free-vend")
        why = forbidden_mode(self._overview().signed_metering, wanted.mode)
        if why is not None:
            raise refuse("mode", why, "use deny, local-only or accept-known")
        self._post(OutageModeRequested(wanted.mode, who, wanted.cap_wh))
        return wanted.mode.value

    def _names(self) -> Mapping[UpstreamId, str]:
        return {one.id: one.name for one in self._settings.upstreams}


def _route(number: int, rule: RouteRule, names: Mapping[UpstreamId, str]) -> RouteView:
    of_card = rule.by in (RouteBy.TOKEN_PREFIX, RouteBy.CONTRACT)
    value = IdToken(rule.value).masked if of_card else rule.value
    return RouteView(number, rule.by.value, value, names.get(rule.upstream, rule.upstream))


def _why(step: LadderStep, names: Mapping[UpstreamId, str]) -> str:
    return "" if step.answer == "Accepted" else plain_reason(step, names)
