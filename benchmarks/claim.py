"""One caller's roadside claim, from the first question to the final yes: what is timed.

Every kind of turn that callers make is in it: plain answers, a value that is read back, a
correction, a command, an optional field left out, a turn that is not understood.
"""

FORM = "roadside_claim"

CLAIM = (
    "four four one two nine nine zero seven",
    "someone rear ended me at the lights",
    "last tuesday",
    "around five pm",
    "nine four one one zero",
    "no",
    "yes",
    "the date was wednesday",
    "well that depends",
    "yes it still drives",
    "four one five five five five zero one zero zero",
    "what was that",
    "skip",
    "a van ran into the back of my car while i was waiting at the lights",
    "yes",
)

ANSWERS = {
    "policy_number": "44129907",
    "what_happened": "collision",
    "incident_time": "17:00",
    "postal_code": "94110",
    "injured": False,
    "drivable": True,
    "callback_number": "+14155550100",
}
"""What the claim holds in the end, apart from its date (which hangs on today) and description."""
