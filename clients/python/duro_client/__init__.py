"""A typed client of the Duro API, sync and async."""

from duro_client.client import AsyncDuro, Duro
from duro_client.errors import DuroApiError, DuroConnectionError

__all__ = ["AsyncDuro", "Duro", "DuroApiError", "DuroConnectionError"]
