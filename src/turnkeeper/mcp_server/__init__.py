"""A durable form as tools of a general agent: a server of the Model Context Protocol.

`turnkeeper mcp` runs it; `turnkeeper.mcp_server.server.build_server(sessions)` is the server
itself, to be run on any transport. Needs the extra `turnkeeper[mcp]`.

The server keeps nothing that matters: what an agent needs to go on is in the handle that
`open_form` gave it, and the form is in its session. So a server that was killed and started again
answers the next call as if nothing had happened.
"""
