"""What is wrong with a set-up, and how to mend it: `turnkeeper doctor`.

A check is a function from what is examined to a `Finding`; `checks` has the tables of them.
`here` has those of this machine's settings, `server` those that ask Temporal.
"""

from turnkeeper.doctor.checks import examine
from turnkeeper.doctor.finding import Examined, Finding

__all__ = ["Examined", "Finding", "examine"]
