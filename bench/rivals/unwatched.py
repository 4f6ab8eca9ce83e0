"""Our server without drift, prediction log and counting of requests: what watching costs."""

from typing import Any

import churn.serving.__main__ as server
from churn.serving.tally import Tally


class Nobody:
    """Watches nothing."""

    def __init__(self, _: Any) -> None: ...

    def saw(self, *_: Any) -> None:
        """Look away."""

    def close(self) -> None:
        """Nothing to close."""


server.Watcher = Nobody  # type: ignore[assignment,misc]
Tally.count = lambda *_: None  # type: ignore[method-assign]

if __name__ == "__main__":
    server.main()
