"""HTTP: sessions and forms under /v1, and the OpenAPI document that describes them."""

from turnkeeper.gateway.http.described import describe
from turnkeeper.gateway.http.routes import router

__all__ = ["describe", "router"]
