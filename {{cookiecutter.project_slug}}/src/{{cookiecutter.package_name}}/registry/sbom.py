"""The bill of materials of a version: CycloneDX 1.6 in JSON (ECMA-424), with the model as a component and what serves it as libraries.

It is written here and not by a library, because each library in ``requirements/train.txt`` is one more that a model is made of: a new
version of it would train every model again.
"""

import re
import uuid
from pathlib import Path
from typing import Any

from .. import ProblemError
from ..bundle import MANIFEST, Bundle, to_json
from ..pointer import Pointer

LOCK = Path("requirements/serve.txt")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_TASKS = {"binary": "binary classification", "multi-class": "multi-class classification", "regression": "regression"}


class SbomError(ProblemError):
    """The bill of materials cannot be written."""


def write(path: Path, pointer: Pointer, made: Bundle, written: str, lock: Path = LOCK) -> Path:
    """Write the bill of ``made`` as ``pointer`` promoted it, and return ``path``: equal arguments give equal bytes.

    ``written`` is the moment of the promotion (RFC 3339), ``lock`` the locked requirements of serving.

    Raises:
        SbomError: ``lock`` is missing or pins nothing.
    """
    libraries = [_library(name, version, hashes, lock) for name, version, hashes in _pins(lock)]
    model = _model(pointer, made)
    path.write_bytes(
        to_json(
            {
                "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"{model['bom-ref']}#{pointer.version}").urn,
                "version": 1,
                "metadata": {"timestamp": written, "lifecycles": [{"phase": "post-build"}], "component": model},
                "components": libraries,
                "dependencies": [
                    {"ref": model["bom-ref"], "dependsOn": [one["bom-ref"] for one in libraries]},
                    *({"ref": one["bom-ref"]} for one in libraries),
                ],
            }
        )
    )
    return path


def _pins(lock: Path) -> list[tuple[str, str, list[str]]]:
    """Name, version and SHA-256 of the files of each locked library, in the order of their names."""
    try:
        text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    except OSError as error:
        raise SbomError(f"{lock}: cannot be read ({error.strerror}); make it with `make lock`") from None
    found = [(pin[1].lower(), pin[2], sorted(_HASH.findall(line))) for line in text.splitlines() if (pin := _PIN.match(line.strip()))]
    if not found:
        raise SbomError(f"{lock}: pins no library; make it again with `make lock`")
    return sorted(found)


def _library(name: str, version: str, hashes: list[str], lock: Path) -> dict[str, Any]:
    """A library. A pin allows several files (one for each platform), so their hashes are those of a reference, not of the component."""
    purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name)}@{version}"
    sums = [{"alg": "SHA-256", "content": value} for value in hashes]
    reference = {"type": "distribution", "url": lock.as_posix(), "comment": "one of the files with these hashes", "hashes": sums}
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **({"externalReferences": [reference]} if sums else {}),
    }


def _model(pointer: Pointer, made: Bundle) -> dict[str, Any]:
    """The model, whose hash is its digest (that of the manifest), with the files of the bundle inside."""
    digest, files = made.digest.removeprefix("sha256:"), made.manifest.files
    notes = {"commit": pointer.commit, "pull_request": pointer.pull_request, "data_digest": made.manifest.data_digest}
    notes |= {f"trained_with:{name}": version for name, version in made.manifest.libraries.items()}
    return {
        "type": "machine-learning-model",
        "bom-ref": f"pkg:generic/{pointer.model}@{pointer.version}?checksum=sha256:{digest}",
        "name": pointer.model,
        "version": str(pointer.version),
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "modelCard": {
            "modelParameters": {"approach": {"type": "supervised"}, "task": _TASKS[made.manifest.problem]},
            "quantitativeAnalysis": {
                "performanceMetrics": [{"type": name, "value": str(value)} for name, value in sorted(pointer.metrics.items())]
            },
        },
        "components": [_file(name, value) for name, value in sorted({**files, MANIFEST: digest}.items())],
        "properties": [{"name": name, "value": str(value)} for name, value in notes.items() if value is not None],
    }


def _file(name: str, value: str) -> dict[str, Any]:
    return {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [{"alg": "SHA-256", "content": value}]}
