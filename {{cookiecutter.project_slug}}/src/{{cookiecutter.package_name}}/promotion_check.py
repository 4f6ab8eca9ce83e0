"""What types cannot say about ``params.yaml: promotion:``."""

import re
from collections.abc import Iterator

from .params import Promotion

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
# <host>/<path>, without tag and digest: https://github.com/distribution/reference/blob/main/reference.go
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE = re.compile(rf"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:))(?::\d+)?(?:/{_PART})+")


def problems(promotion: Promotion) -> Iterator[str]:
    """Every thing that is wrong, as ``key: what is wrong; what to do``."""
    names = promotion.environments
    for index, name in enumerate(names):
        key = f"promotion.environments[{index}] {name!r}"
        if not NAME.fullmatch(name):
            yield f"{key} must be small letters, digits, '-' and '_', for instance 'staging'"
        if name in names[:index]:
            yield f"{key} is listed twice; delete one"
    if not names or names[-1] != "production":
        yield f"promotion.environments must end in 'production', where a model goes last, not {list(names)}"
    if promotion.image != "none" and not IMAGE.fullmatch(promotion.image):
        yield (
            f"promotion.image must be 'none' or a repository of a registry, in small letters and without a tag, "
            f"such as 'ghcr.io/owner/name', not {promotion.image!r}"
        )
