"""One system call and one packet for an answer, where uvicorn makes two of each: its head, and its body."""

from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LONG = 65_536  # bytes: to copy more than that is dearer than a second system call


class Joined:
    """A transport that keeps the head of an answer until the body comes; all else is done by the one that it stands for."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send, but for a head; one of 1xx is sent, for its client waits for it."""
        if self._head:
            if len(data) > _LONG:
                self.flush()
            else:
                data, self._head = self._head + data, b""
        elif data.endswith(b"\r\n\r\n") and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send a head that no body followed."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Close the connection when all is sent."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP over such a transport."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over a connection."""
        made: Any = Joined(transport)
        self._joined: Joined = made
        super().connection_made(made)

    def on_response_complete(self) -> None:
        """The last of an answer was given to the transport."""
        self._joined.flush()
        super().on_response_complete()
