"""``python -m <package>.serving``: serves the model that a pointer in a git repository names, or a bundle in a folder."""

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from .. import bundle, run
from . import Live, prepare
from .app import Application
from .follow import Follower
from .options import cache, options, token
from .remote import Remote, check_local, locate
from .server import Server, address, listen
from .siblings import Siblings, Worker
from .watch import Watcher
from .watch.settings import Settings, from_options
from .workers import Workers, this_worker

log = logging.getLogger("serving")

_TRAINED = Path("models/bundle")
_RARELY = 50_000  # new objects until a collection: rows are freed without one, and their sheer number should not bring one about


def main() -> int:
    """Serve until a signal; returns the exit code."""
    chosen = options(sys.argv[1:], __doc__.partition(": ")[2])
    watching = from_options(chosen)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    if chosen.until_input_ends:
        threading.Thread(target=_stop_with_input, daemon=True).start()
    secret = token()
    if chosen.workers > 1:
        if chosen.model is not None:
            bundle.load(chosen.model)  # what is wrong is told once, and not by every worker
        return Workers(sys.argv[1:], chosen.workers, chosen.host, chosen.port).run()
    _serve(chosen, watching, secret, this_worker())
    return 0


def _serve(chosen: argparse.Namespace, watching: Settings, secret: str | None, worker: Worker | None) -> None:
    live, follower = Live(), None
    if chosen.model is not None and chosen.follow is None:
        live.take(prepare(bundle.load(chosen.model), None))
        log.info("serving %s from %s; no pointer is followed", live.model, chosen.model)
    else:
        follower = _follower(chosen, live, worker)
    watcher = Watcher(watching)
    live.watchers = (watcher,)
    app = Application(live, limit=chosen.queue, patience=chosen.patience, body_patience=chosen.body_seconds, token=secret)
    siblings = None if worker is None else Siblings(worker, app.tally.text)
    app.gather = siblings.gather if siblings else None
    gc.freeze()  # what is there stays: no collection need look at it
    gc.set_threshold(_RARELY)
    listener = listen(chosen.host, chosen.port, shared=worker is not None)
    log.info("listening on %s (an example record: GET /model)", address(listener))
    if follower:
        follower.start()
    try:
        Server(app, live, siblings.start if siblings else None).run(sockets=[listener])
    finally:
        if follower:
            follower.stop()
        watcher.close()
    log.info("stopped")


def _stop_with_input() -> None:
    """Stop, as after SIGTERM, when whoever holds the other end of standard input is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _follower(chosen: argparse.Namespace, live: Live, worker: Worker | None) -> Follower:
    url = locate(chosen.follow)
    trained = _TRAINED if chosen.follow is None and (_TRAINED / bundle.MANIFEST).exists() else None
    remote = Remote(url, chosen.branch, chosen.environment, cache(chosen, url, worker and worker.number))
    if not (remote.cache / "last.json").exists():
        check_local(url)
    log.info("following %s, every %g s", remote, chosen.poll)
    return Follower(remote, live, chosen.poll, chosen.model or trained)


if __name__ == "__main__":
    run(main)
