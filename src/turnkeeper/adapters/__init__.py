"""Turnkeeper inside voice frameworks; each module needs the extra of its name.

turnkeeper.adapters.livekit     pip install 'turnkeeper[livekit]'
turnkeeper.adapters.pipecat     pip install 'turnkeeper[pipecat]'
"""
