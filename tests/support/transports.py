"""A transport that fails as a test says and otherwise does what another transport does."""

from __future__ import annotations

from smallest_nb.client.network import NETWORK


class FaultTransport:
    """Wraps a transport; each outcome takes the place of one connection or request, in order.

    Args:
        outcomes: For each call: an exception to raise, a response to return, or None to let it through. After the last
            one every call is let through.
        transport: What the calls go to.
    """

    def __init__(self, *outcomes, transport=NETWORK):
        self.calls = []
        self._outcomes = list(outcomes)
        self._transport = transport

    def _next_outcome(self, url):
        self.calls.append(url)
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def connect(self, url, key, *, timeout):
        return self._next_outcome(url) or await self._transport.connect(url, key, timeout=timeout)

    async def request(self, method, url, key, **options):
        return self._next_outcome(url) or await self._transport.request(method, url, key, **options)
