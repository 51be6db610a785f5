"""Refuses what another site made a browser ask for: by `Sec-Fetch-Site`, where a browser sends none by `Origin`."""

from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from duro.errors import ForbiddenError

_READS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
# `none` is the user's own doing. `same-site` is another port of this machine, or a sister domain: not us.
_OWN: Final = frozenset({"same-origin", "none"})
_FETCH_SITE: Final = "Sec-Fetch-Site"


def demand_same_origin(request: web.Request) -> None:
    """Raises `ForbiddenError` for a change that was not asked for by a page of this very origin.

    Whoever sends neither header is no browser of these years, and comes with a cookie that it was given on purpose.
    """
    if request.method in _READS:
        return
    if not _is_own(request):
        raise ForbiddenError("Another site asked for this; nothing was changed.")


def _is_own(request: web.Request) -> bool:
    site = request.headers.get(_FETCH_SITE)
    if site is not None:
        return site in _OWN
    origin = request.headers.get(hdrs.ORIGIN)
    # Behind a proxy the scheme is not known here; another origin of the same host and port would need to be http.
    return origin is None or urlsplit(origin).netloc.lower() == request.host.lower()
