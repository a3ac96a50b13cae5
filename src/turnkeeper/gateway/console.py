"""The console."""

from fastapi import APIRouter

from turnkeeper.gateway.doorway import Doorway


def router(doorway: Doorway) -> APIRouter:
    return APIRouter()
