"""The demo's receiver: a small HTTP server that answers 503 twice, and then takes the form."""

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType

FAILURES = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST as it came in: its Idempotency-Key, the form's answers, and what it was answered."""

    key: str
    answers: dict[str, object]
    status: int


class Receiver:
    """Runs while the context is open; `attempts` are all POSTs so far, oldest first."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/claims"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, key: str, body: bytes) -> int:
        """Notes an attempt; the HTTP status that it is answered with."""
        status = 503 if len(self.attempts) < FAILURES else 201
        self.attempts.append(Attempt(key, json.loads(body)["answers"], status))
        return status

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(self.headers.get("Idempotency-Key", ""), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the demo tells of each attempt itself."""

        return Handler
