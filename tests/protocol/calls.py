"""The table of calls. ``python calls.py CLIENT URL …`` makes them with one client; what came of each is printed, by server."""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from tensors import Client, NotOfferedError, RefusedError, Request, Tensor

AGE = Tensor("age", "INT64", (3, 1), (40, 3, 77))
FEE = Tensor("fee", "FP32", (3, 1), (20.5, 0.0, 100.25))
PLAN = Tensor("plan", "BYTES", (3, 1), ("basic", "plus", "basic"))
WHOLE = Request((AGE, FEE, PLAN))


def sent(**tensors: Tensor | None) -> Request:
    """The whole request with other tensors in the place of these; None leaves one out."""
    return replace(WHOLE, tensors=[found for one in WHOLE.tensors if (found := tensors.get(one.name, one)) is not None])


def infers(request: Request) -> Callable[[Client], Any]:
    """A call of the table."""
    return lambda client: client.infer(request)[1]


CALLS: dict[str, Callable[[Client], Any]] = {
    "server live": lambda client: client.live(),
    "server ready": lambda client: client.ready(),
    "server metadata": lambda client: client.server(),
    "model metadata": lambda client: client.model("toy", ""),
    "model metadata of a version": lambda client: client.model("toy", "1"),
    "model ready": lambda client: client.model_ready("toy", ""),
    "version ready": lambda client: client.model_ready("toy", "1"),
    "unknown model ready": lambda client: client.model_ready("other", ""),
    "unknown model metadata": lambda client: client.model("other", ""),
    "unknown version metadata": lambda client: client.model("toy", "9"),
    "infer": infers(WHOLE),
    "infer one row": infers(Request([replace(one, shape=(1, 1), values=one.values[:1]) for one in WHOLE.tensors])),
    "infer with a version": infers(replace(WHOLE, version="1")),
    "infer, inputs in another order": infers(replace(WHOLE, tensors=WHOLE.tensors[::-1])),
    "infer, shape [n]": infers(replace(WHOLE, tensors=[replace(one, shape=(3,)) for one in WHOLE.tensors])),
    "infer, FP64 for FP32": infers(sent(fee=replace(FEE, datatype="FP64"))),
    "infer, INT32 for INT64": infers(sent(age=replace(AGE, datatype="INT32"))),
    "infer, one output": infers(replace(WHOLE, outputs=["probability"])),
    "infer, both outputs": infers(replace(WHOLE, outputs=["prediction", "probability"])),
    "infer, id": lambda client: client.infer(replace(WHOLE, id="a-7"))[0],
    "infer, binary inputs": infers(replace(WHOLE, binary_inputs=True)),
    "infer, binary outputs": infers(replace(WHOLE, outputs=["prediction", "probability"], binary_outputs=True)),
    "infer, all binary": infers(replace(WHOLE, binary_inputs=True, outputs=["probability"], binary_outputs=True)),
    "infer, compressed": infers(replace(WHOLE, compressed=True)),
    "infer, requests in a file": infers(replace(WHOLE, in_a_file=True)),
    "unknown model": infers(replace(WHOLE, model="other")),
    "unknown version": infers(replace(WHOLE, version="9")),
    "wrong shape": infers(sent(age=Tensor("age", "INT64", (3, 2), (1, 2, 3, 4, 5, 6)))),
    "wrong number of rows": infers(sent(age=Tensor("age", "INT64", (2, 1), (40, 3)))),
    "wrong datatype": infers(sent(age=Tensor("age", "BYTES", (3, 1), ("40", "3", "77")))),
    "missing tensor": infers(sent(plan=None)),
    "unknown tensor": infers(replace(WHOLE, tensors=[*WHOLE.tensors, replace(AGE, name="more")])),
    "tensor twice": infers(replace(WHOLE, tensors=[*WHOLE.tensors, AGE])),
    "unknown output": infers(replace(WHOLE, outputs=["label"])),
    "no tensor": infers(replace(WHOLE, tensors=())),
    "infer after the errors": infers(WHOLE),
}


def outcome(call: Callable[[Client], Any], client: Client) -> Any:
    """What came of a call: an answer, or the status with which it was refused; whatever else happens is told by name."""
    try:
        return {"answer": call(client)}
    except RefusedError as refused:
        return {"refused": refused.status, "in words": bool(refused.words.strip())}
    except NotOfferedError:
        return {"not offered": True}
    except Exception as error:
        return {"the client fails": f"{type(error).__name__}: {str(error)[:200]}"}


def table(module: ModuleType, url: str) -> dict[str, Any]:
    """What came of every call, made in order."""
    client, found = module.Client(url), {}
    for name, call in CALLS.items():
        found[name] = outcome(call, client)
        if "the client fails" in found[name] or found[name].get("refused", 0) >= 500:
            client = module.Client(url)  # a server that fails may close the connection a moment later
    return found


if __name__ == "__main__":
    via = importlib.import_module(f"via_{sys.argv[1]}")
    print(json.dumps([table(via, url) for url in sys.argv[2:]]))
