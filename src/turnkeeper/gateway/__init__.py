"""The doorway for everything that is not Python: HTTP, WebSocket, Twilio, OpenAI-compatible
platforms, Retell, and a page to try it. Needs the extra `turnkeeper[gateway]`.

Every channel is a module here with `router(doorway)` and no state of its own: whatever has to
outlive a request is in the session, so any instance of the gateway can take a call over.
"""
