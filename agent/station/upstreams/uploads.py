"""News of the transfers: the answer to the upstream that asked, and how far its upload is, for whom `fanout` says."""

from __future__ import annotations

from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.fanout import told_of_upload
from agent.vocabulary.commands import TriggerKind
from agent.vocabulary.effects import Answer, TellUpload
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import UploadAnswered, UploadProgressed
from agent.vocabulary.uploads import IDLE, UploadState, UploadStatus

_UNDER_WAY = UploadStatus.UPLOADING


class Uploads:
    """Remembers what is under way, for who asks. Locations and files never come here."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._present: dict[tuple[UpstreamId, TriggerKind], UploadState] = {}

    def answered(self, given: UploadAnswered, turn: Turn) -> None:
        """The transfers have decided."""
        turn.add(Answer(given.upstream, given.call, given.result))

    def progressed(self, given: UploadProgressed, turn: Turn) -> None:
        """An upload has begun or ended. What was given up for a newer one is told as idle: of it nothing is said."""
        key = given.upstream, given.what
        if given.state.status is _UNDER_WAY:
            self._present[key] = given.state
        else:
            self._present.pop(key, None)
        if given.state.status is not UploadStatus.IDLE:
            for upstream in self._site.registry:
                if told_of_upload(upstream, given.upstream):
                    turn.add(TellUpload(upstream.id, given.what, given.state))

    def present(self, upstream: UpstreamId, what: TriggerKind) -> UploadState:
        """How far the upload of this upstream is that `what` tells of; idle when there is none (OCPP 1.6 4.4)."""
        return self._present.get((upstream, what), IDLE)
