"""Who may come in at the gateway (`principal`, `gate`), and how that is known: `tokens` signed by
an issuer, `api_keys`, one-use `tickets`."""
