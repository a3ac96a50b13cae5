"""The child that runs duckling: a line of JSON in, a line of JSON out.

Run as a script with `-P`, so that it imports nothing of this package (modules beside it have names
of the standard library's). Duckling can take exponential time and holds the interpreter's lock
meanwhile (190 characters of repeated phrases: no answer in a minute), so the child sets itself an
alarm that ends it whoever is left to notice.

The reference time is a wall clock sent as if it were UTC, and the zone database stays empty: no
answer depends on the machine's zone files, and none falls into a gap of summer time.
"""

import json
import signal
import sys
import tempfile

import duckling

ALARM_SECONDS = 5


def main() -> None:
    """Answer questions until the input ends: `{"text", "seconds"}` gives a list of entities."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with tempfile.TemporaryDirectory() as empty:
        zones = duckling.load_time_zones(empty)
    english = duckling.parse_locale(
        "EN_US", duckling.default_locale_lang(duckling.parse_lang("EN"))
    )
    dimensions = duckling.parse_dimensions(["time"])
    for line in sys.stdin:
        question = json.loads(line)
        moment = duckling.parse_ref_time(zones, "UTC", question["seconds"])
        signal.alarm(ALARM_SECONDS)
        found = duckling.parse(
            question["text"], duckling.Context(moment, english), dimensions, False
        )
        signal.alarm(0)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
