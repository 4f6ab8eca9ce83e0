"""What production is compared with: the promoted model, the rows that it was trained on, and its answers on rows it was not."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .. import bundle, dataset, params, store
from ..bundle import Bundle
from ..git import show
from ..params import Params
from ..pointer import Pointer
from ..scorer import Scorer
from . import MonitorError


@dataclass(frozen=True)
class Reference:
    """``train`` has the contract's columns of the training rows, ``answers`` ``[n, k]`` are those to the validation rows."""

    model: Bundle
    params: Params
    train: pd.DataFrame
    answers: np.ndarray


def load(now: Pointer) -> Reference:
    """The reference of the version that production names.

    Raises:
        MonitorError: its data or parameters cannot be had. StoreError, BundleError: its bundle cannot.
    """
    model = bundle.load(store.find(now.digest, now.bundle), now.digest)
    text = show(now.commit, params.FILE)
    if text is None:
        raise MonitorError(f"{params.FILE} of commit {now.commit[:9]}, which made version {now.version}, is not here; fetch all of main")
    chosen = params.parse(text.decode("utf-8", "replace"), f"{params.FILE} of {now.commit[:9]}")
    frame = _rows(now, chosen, model.manifest.data_digest)
    sides = dataset.sides(frame, chosen)
    numeric, categorical = dataset.matrices(frame[sides == "validation"], model.contract)
    names = [column.name for column in model.contract.columns]
    train = frame.loc[sides == "train", names].reset_index(drop=True)
    numbers = list(model.contract.numeric)
    train[numbers] = train[numbers].astype(np.float32).astype(np.float64)  # as the server sees and logs them
    return Reference(model, chosen, train, Scorer(model).answers(numeric, categorical))


def _rows(now: Pointer, chosen: Params, digest: str) -> pd.DataFrame:
    """The very rows, by their digest: from the commit, or from the working tree where DVC keeps them."""
    here = Path(chosen.data.path)
    committed = show(now.commit, chosen.data.path)
    if committed is None and here.is_file():
        committed = here.read_bytes()
    if committed is None or f"sha256:{hashlib.sha256(committed).hexdigest()}" != digest:
        what = "is not here" if committed is None else "has other content here"
        made = f"version {now.version} was made of the rows {digest[:19]}…"
        bring = f"`git checkout {now.commit[:9]} -- '{chosen.data.path}*'` and `dvc pull` bring them"
        raise MonitorError(f"{chosen.data.path}: {what}, and {made}; {bring}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / here.name
        path.write_bytes(committed)
        return dataset.read(path, chosen)
