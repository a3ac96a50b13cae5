"""Where Pipecat is not installed, these tests skip; `scripts/adapters` has environments for it."""

import warnings
from importlib import import_module
from importlib.util import find_spec

if find_spec("pipecat"):
    with warnings.catch_warnings():  # Pipecat uses audioop, which Python 3.11 warns of.
        warnings.simplefilter("ignore", DeprecationWarning)
        import_module("pipecat.audio.utils")
