"""What people say on the phone, as typed values in normal form.

`read` takes a transcript, `read_dtmf` keys, `accept` a program's value; each gives a `Reading`.
`speak` says a value back. `TYPES` has one row a type.
"""

from turnkeeper.values.reading import NOTHING, Context, Reading, Refusal, ValueType
from turnkeeper.values.table import TYPES, accept, is_told, mask, read, read_dtmf, speak
from turnkeeper.values.yes_no import read_yes_no, split_yes_no

__all__ = [
    "NOTHING",
    "TYPES",
    "Context",
    "Reading",
    "Refusal",
    "ValueType",
    "accept",
    "is_told",
    "mask",
    "read",
    "read_dtmf",
    "read_yes_no",
    "speak",
    "split_yes_no",
]
