"""The OpenAPI document's examples: one call, from its coming in to its end.

A test sends each of them, in the order of the document, and compares what it gets.
"""

from fastapi.openapi.models import Example

CALLER = "+14155550100"
FORM = "roadside_claim"
SESSION = f"voice:session:default:{FORM}:4vpcede3a3lvhqdoebqulbd4g4"
EPOCH = "5f1d2c3b4a59"
_LEG = {"leg": 1, "epoch": EPOCH}


def named(**values: object) -> dict[str, Example]:
    """Named examples of a parameter or a body; a name is its summary."""
    return {
        name: Example(summary=name.replace("_", " "), value=value) for name, value in values.items()
    }


OPEN = named(
    a_call_comes_in={
        "form": FORM,
        "caller": CALLER,
        "transport_id": "CA81",
        "connect_id": "CA81",
    }
)
TURNS = named(
    words={**_LEG, "utterance_id": "u1", "text": "one two three"},
    the_words_go_on={**_LEG, "utterance_id": "u1", "text": "one two three four five six"},
    keys={**_LEG, "utterance_id": "u2", "dtmf": "12345678#"},
    n_best={
        **_LEG,
        "utterance_id": "u3",
        "text": "a flat tire",
        "confidence": 0.9,
        "alternatives": [{"text": "a flat tire", "confidence": 0.9}, {"text": "a flat wire"}],
    },
    silence={**_LEG, "utterance_id": "u4", "event": "noinput"},
    answers_of_a_model={
        **_LEG,
        "utterance_id": "u5",
        "answers": {"incident_date": "2026-03-01", "postal_code": "nowhere"},
    },
    a_barge_in={
        **_LEG,
        "utterance_id": "u6",
        "text": "half past five in the evening",
        "said": "At what time",
    },
)
HANG_UP = named(the_line_dropped={**_LEG, "reason": "dropped"})
HAND_OFF = named(a_person_is_wanted={"reason": "asked for a person"})
CANCEL = named(changed_their_mind={"reason": "changed their mind"})
TICKET = named(for_a_browser={"caller": CALLER})

_REPLY = {
    "epoch": EPOCH, "leg": 1, "status": "collecting", "next": "listen", "recorded": {},
    "removed": [], "rejected": [], "restored": False,
}  # fmt: skip
_EXPECTS = {"choices": [], "language": "en"}

OPENED: dict[str, object] = {
    "a_call_comes_in": {
        "session_id": SESSION,
        "created": True,
        "restored": False,
        "leg": 1,
        "epoch": EPOCH,
        "reply": {
            **_REPLY,
            "say": "Thank you for calling Halden Mutual roadside claims. I'll take a few details to"
            " get your claim started. What is your policy number?",
            "utterance_id": "",
            "field": "policy_number",
            "expects": {**_EXPECTS, "type": "digits", "min_digits": 8, "max_digits": 8},
            "progress": {"done": 0, "total": 8},
        },
    }
}
REPLIES: dict[str, object] = {
    "keys": {
        **_REPLY,
        "say": "What happened?",
        "utterance_id": "u2",
        "field": "what_happened",
        "expects": {
            **_EXPECTS,
            "type": "choice",
            "choices": ["collision", "breakdown", "theft", "glass"],
        },
        "recorded": {"policy_number": "12345678"},
        "progress": {"done": 1, "total": 8},
    },
    "answers_of_a_model": {
        **_REPLY,
        "say": "I didn't understand the zip code of the place. Around what time was that?",
        "utterance_id": "u5",
        "field": "incident_time",
        "expects": {**_EXPECTS, "type": "time", "min_digits": 4, "max_digits": 4},
        "recorded": {"incident_date": "2026-03-01"},
        "rejected": [
            {
                "field": "postal_code",
                "code": "not_understood",
                "say": "I didn't understand the zip code of the place.",
            }
        ],
        "progress": {"done": 3, "total": 9},
    },
}
"""What the requests of the same names get."""
