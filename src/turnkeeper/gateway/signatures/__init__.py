"""What a platform signs, and whose account it signed for.

accounts  the secrets of a setting, each with its tenant
twilio    X-Twilio-Signature, of webhooks and of a WebSocket's handshake
telnyx    telnyx-signature-ed25519, of webhooks

Pure, but for the clock that Telnyx's time stamp is compared with.
"""
