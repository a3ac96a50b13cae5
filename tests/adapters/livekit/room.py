"""A room without a server, and callers in it: LiveKit's own `RoomIO` links and hears them."""

from collections.abc import Mapping

from livekit import rtc
from livekit.agents.voice.room_io import RoomOptions
from livekit.rtc._proto import participant_pb2 as proto

WITHOUT_MEDIA = RoomOptions(
    audio_input=False, audio_output=False, text_input=False, text_output=False
)


class Participant(rtc.RemoteParticipant):
    """Somebody in the room; the real class, of whom no server knows."""

    def __init__(
        self,
        identity: str,
        attributes: Mapping[str, str],
        kind: rtc.ParticipantKind.ValueType,
    ) -> None:
        self._info = proto.ParticipantInfo(
            sid=f"PA_{identity}", identity=identity, attributes=attributes, kind=kind
        )
        self._track_publications = {}


class Agent(rtc.LocalParticipant):
    """The agent's own place in the room."""

    def __init__(self) -> None:
        self._info = proto.ParticipantInfo(identity="agent")

    def add_rpc_interceptor(self, interceptor: object) -> None:
        """Nobody calls it; newer versions of LiveKit ask for one."""


class Room(rtc.Room):
    """A connected room; nothing leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self._local_participant = Agent()
        self._ffi_handle = None

    def isconnected(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "call-room"

    def join(self, participant: Participant) -> None:
        self._remote_participants[participant.identity] = participant
        self.emit("participant_connected", participant)

    def leave(self, participant: Participant) -> None:
        participant._info.disconnect_reason = rtc.DisconnectReason.CLIENT_INITIATED
        del self._remote_participants[participant.identity]
        self.emit("participant_disconnected", participant)

    def press(self, participant: Participant | None, keys: str) -> None:
        """Keys of a participant; None is a server's."""
        for key in keys:
            code = "0123456789*#".index(key)
            self.emit("sip_dtmf_received", rtc.SipDTMF(code, key, participant))


def phone(number: str, call_id: str = "SCL_1") -> Participant:
    """A caller by phone; LiveKit makes the identity of the number."""
    attributes = {"sip.phoneNumber": number, "sip.callID": call_id}
    return Participant(f"sip_{number}", attributes, rtc.ParticipantKind.PARTICIPANT_KIND_SIP)


def browser(identity: str) -> Participant:
    return Participant(identity, {}, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD)
