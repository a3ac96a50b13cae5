"""Twilio ConversationRelay, and Telnyx's, which has the same frames: a number is a form.

    POST /twilio/voice?form=...   a call comes in: TwiML that connects it to the relay
    WS   /twilio/relay            one socket is one leg; the call's id is its transport id
    POST /twilio/action           the relay's session is over: on again, to a person, or hang up

frames     what goes over the socket
listening  frames and times in, what the caller said, keyed or did not say out; pure
relay      one socket: open the form, turns, replies; wire reads and writes it
words      what is spoken after a reply or an error; sentences what we say ourselves
platforms  whose signature or ticket lets a call in; callers whose form it is
webhooks   the two HTTP requests; twiml what they answer
"""

from fastapi import APIRouter

from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.twilio import relay, webhooks
from turnkeeper.gateway.twilio.platforms import Platforms


def router(gate: Gate) -> APIRouter:
    router = APIRouter(prefix="/twilio", include_in_schema=False)
    platforms = Platforms(gate)
    webhooks.add_routes(router, platforms)
    relay.add_routes(router, platforms)
    return router
