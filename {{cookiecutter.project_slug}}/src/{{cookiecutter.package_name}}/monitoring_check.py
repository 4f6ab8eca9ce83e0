"""What types cannot say about ``params.yaml: monitoring:``."""

from collections.abc import Iterator

from .params import Monitoring

MOST_DAYS = 366


def problems(monitoring: Monitoring) -> Iterator[str]:
    """Every thing that is wrong, as ``key: what is wrong; what to do``."""
    for key in ("log", "labels", "data"):
        value = getattr(monitoring, key)
        if value is not None and not (value.strip() == value != "" and value.isprintable()):
            yield f"monitoring.{key} {value!r} must be a path or a URL such as s3://bucket/{key}; or write `{key}: null`"
    if monitoring.log is None and monitoring.labels is not None:
        yield "monitoring.labels is set and monitoring.log is not; labels are joined to the log, so name it as well"
    if not 0 < monitoring.days <= MOST_DAYS:
        yield f"monitoring.days {monitoring.days:g} must be above 0 and at most {MOST_DAYS}"
    if not 0 <= monitoring.fall < float("inf"):
        yield f"monitoring.fall {monitoring.fall:g} must be a finite number, 0 or more, in the units of the headline metric"
