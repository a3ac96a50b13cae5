"""Asks a process whether it is well: the health check of containers.

python deploy/probe.py [PORT [PATH]]

Exit status 0 for an answer of 200 on 127.0.0.1, else 1 with one line. The defaults are the
worker's: port 8090, path /readyz. Nothing but the standard library, which starts in 0.1 s.
"""

import http.client
import sys

SECONDS = 4


def main(port: str = "8090", path: str = "/readyz") -> str | None:
    """What is wrong; None where nothing is."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError as error:
        return f"port {port} does not answer: {error}"
    if status != http.HTTPStatus.OK:
        return f"{path} answers {status}"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
