"""TwiML, which Telnyx takes as TeXML: what the webhooks answer.

Source: Twilio, "TwiML Voice": `<ConversationRelay>`, `<Connect>`, `<Dial>`, `<Say>`, `<Pause>`.
"""

import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

MEDIA_TYPE = "text/xml"

RELAY_ATTRIBUTES: Mapping[str, str] = {
    "dtmfDetection": "true",
    "interruptible": "any",
    "reportInputDuringAgentSpeech": "any",
    "events": "speaker-events",
}
"""What every call has: keys, barge-in by voice or key, and reports of who speaks when."""
CHOSEN_ATTRIBUTES = (
    "voice", "ttsProvider", "transcriptionProvider", "speechModel", "hints", "speechTimeout",
    "eotThreshold", "interruptSensitivity", "ignoreBackchannel", "deepgramSmartFormat",
    "elevenlabsTextNormalization",
)  # fmt: skip
"""What the webhook's address may choose, passed on as it is."""

_NUMBER = re.compile(r"(?:tel:)?(\+?[\d\s().\-]{3,})", re.IGNORECASE)


def relay(
    url: str,
    action: str,
    attributes: Mapping[str, str],
    parameters: Mapping[str, str],
    pause: int = 0,
) -> bytes:
    """Connects the call to the relay at `url`, after `pause` seconds.

    There is no `welcomeGreeting`: the greeting, or the welcome back, is the form's first reply.
    """
    connect = Element("Connect", action=action)
    relay = SubElement(connect, "ConversationRelay", {"url": url, **RELAY_ATTRIBUTES, **attributes})
    for name, value in parameters.items():
        SubElement(relay, "Parameter", name=name, value=value)
    return _response([*([Element("Pause", length=str(pause))] if pause else []), connect])


def say(sentence: str) -> bytes:
    """Says it and hangs up. Our own sentences are English."""
    said = Element("Say", language="en-US")
    said.text = sentence
    return _response([said, Element("Hangup")])


def hang_up() -> bytes:
    return _response([Element("Hangup")])


def dial(to: str) -> bytes:
    """Transfers the call: to a phone number, a SIP address, or else the queue of that name."""
    dial = Element("Dial")
    number = _NUMBER.fullmatch(to.strip())
    if number:
        SubElement(dial, "Number").text = number.group(1)
    elif to.lower().startswith(("sip:", "sips:")):
        SubElement(dial, "Sip").text = to
    else:
        SubElement(dial, "Queue").text = to
    return _response([dial])


def _response(verbs: Iterable[Element]) -> bytes:
    response = Element("Response")
    response.extend(verbs)
    document: bytes = tostring(response, encoding="utf-8", xml_declaration=True)
    return document
