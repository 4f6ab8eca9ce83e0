"""Checks the answers before anything is written; the first bad one ends the bake with one line and exit code 1.

Standard library only, no network. Answers are read as JSON data, never as program text.
"""

import json
import keyword
import os
import re
import sys
import unicodedata
from functools import partial
from pathlib import Path

ANSWERS: dict = json.loads(r"""{{ cookiecutter | tojson }}""")
# As they were given, before cookiecutter rendered them. Other generators may not keep these.
GIVEN: dict = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")

TEXT_LIMITS = {"project_name": 80, "description": 200, "author": 100}
TEXT_EXAMPLES = {
    "project_name": "House Prices",
    "description": "Predicts the price of a house.",
    "author": "Ada Lovelace",
}
BRACE = chr(123)  # spelt out, this file would hold the very marks that it looks for
TEMPLATE_MARKS = (BRACE + BRACE, BRACE + "%", BRACE + "#")
# What these are when nobody gave them: made from the answer `problem`.
EXAMPLE = f"{BRACE * 2} cookiecutter._examples[cookiecutter.problem].%s {chr(125) * 2}"
UNSAFE_CATEGORIES = {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
# These change the order or the start of a text, so that what is read is not what is written.
DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}  # as a label they would be read as something else
WINDOWS = {"con", "prn", "aux", "nul"} | {f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)}
FOLDERS = set("build data deploy dist docs models reports requirements src test tests".split())
# Distribution and import names of what a generated repository installs: a package of the same name would hide it.
INSTALLED = set(
    """
    aiohappyeyeballs aiohttp aiohttp_retry aiosignal amqp annotated_types antlr4 antlr4_python3_runtime anyio appdirs
    arrow asyncssh atpublic attr attrs billiard cachetools celery certifi cffi charset_normalizer click
    click_didyoumean click_plugins click_repl cloudpickle colorama coloredlogs configobj cryptography dateutil
    dictdiffer diskcache distro dotenv dpath dulwich dvc dvc_data dvc_http dvc_objects dvc_render dvc_studio_client
    dvc_task entrypoints execnet filelock flatbuffers flatten_dict flufl flufl_lock frozenlist fsspec funcy git gitdb
    gitpython google grandalf gto h11 httpcore httptools httpx humanfriendly hydra hydra_core idna iniconfig
    iterative_telemetry jinja2 joblib kombu markdown_it markdown_it_py markupsafe mdurl ml_dtypes mpmath msgspec
    multidict mypy_extensions narwhals networkx numpy omegaconf onnx onnxruntime orjson packaging pandas pandera
    pathspec pip platformdirs pluggy prometheus_client prompt_toolkit propcache protobuf psutil pycparser pydantic
    pydantic_core pydantic_settings pydot pygit2 pygments pygtrie pyparsing pytest python_dateutil python_dotenv pytz pywin32 pyyaml
    requests rich ruamel ruamel_yaml ruff scikit_learn scipy scmrepo semver setuptools shortuuid shtab six skl2onnx
    sklearn smmap sqltrie starlette sympy tabulate threadpoolctl tomlkit tqdm typeguard typing_extensions
    typing_inspect typing_inspection tzdata tzlocal urllib3 uv uv_build uvicorn uvloop vine voluptuous wcwidth wheel
    yaml yarl zc zc_lockfile
    adlfs aiobotocore aioitertools azure boto3 botocore dvc_azure dvc_gs dvc_s3 dvc_ssh gcsfs jmespath s3fs s3transfer
    sshfs wrapt
    dask distributed importlib_metadata lazy_importer locket msgpack partd pyarrow sortedcontainers tblib toolz tornado zict
    zipp
    et_xmlfile openpyxl sqlalchemy
    """.split()
)


def shown(value: object) -> str:
    """``value`` as a short, printable, ASCII-only quotation."""
    text = ascii(value)
    return text if len(text) <= 48 else f"{text[:44]}...{text[0]}"


def text_rule(name: str, value: str) -> str | None:
    """What a line of free text breaks, or ``None``."""
    if value != value.strip() or not value:
        return "must not be empty, and must not begin or end with a space"
    if len(value) > TEXT_LIMITS[name]:
        return f"has {len(value)} characters, at most {TEXT_LIMITS[name]} fit"
    given = str(GIVEN.get(name, ""))
    if any(mark in value or mark in given for mark in TEMPLATE_MARKS) and given != EXAMPLE % name:
        return f"holds a template mark ({', '.join(TEMPLATE_MARKS)}), which would be run instead of written"
    if any(unicodedata.category(c) in UNSAFE_CATEGORIES or c in DIRECTION_MARKS for c in value):
        return "must be one line without control characters or marks that change the direction of the text"
    return None


def reserved_rule(value: str) -> str | None:
    """Which kind of taken name ``value`` is, or ``None``."""
    plain = value.replace("-", "_")
    kinds = {
        "a reserved file name on Windows": WINDOWS,
        "a reserved word of Python": set(keyword.kwlist) | set(getattr(keyword, "softkwlist", ())),
        "a folder of the generated repository or a word too general for a package": FOLDERS,
        "a module of Python's standard library": set(getattr(sys, "stdlib_module_names", ())),
        "the name of a package that the project installs": INSTALLED,
    }
    return next((f"is {kind}" for kind, names in kinds.items() if plain in names), None)


def slug_rule(value: str) -> str | None:
    """What a project slug breaks, or ``None``."""
    if len(value) > 60 or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value):
        return "must be lower-case letters and digits, words joined by '-', a letter first, at most 60 characters"
    return reserved_rule(value)


def package_rule(value: str) -> str | None:
    """What a package name breaks, or ``None``."""
    if len(value) > 40 or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", value):
        return "must be lower-case letters and digits, words joined by '_', a letter first, at most 40 characters"
    return reserved_rule(value)


def owner_rule(value: str) -> str | None:
    """What a GitHub account name breaks, or ``None``."""
    if len(value) > 39 or not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", value):
        return "must be letters and digits with single '-' between them, at most 39 characters (as GitHub has it)"
    return None


def store_rule(value: str) -> str | None:
    """What a place for models breaks, or ``None``."""
    path, host = r"(?:/[\w.=+-]+)", r"[\w.-]+"
    if len(value) > 200 or not re.fullmatch(
        rf"git|(?:s3|gs|azure)://{host}{path}*|ssh://(?:{host}@)?{host}(?::\d+)?{path}+|{path}+", value, re.ASCII
    ):
        return "must be 'git', a URL that begins with s3://, gs://, azure:// or ssh://, without a password, or a folder's absolute path"
    return None


def runner_rule(value: str) -> str | None:
    """What the label of a runner breaks, or several with commas between them, or ``None``."""
    labels = [label.strip() for label in value.split(",")]
    bad = next((label for label in labels if not re.fullmatch(r"[A-Za-z][\w.-]*", label, re.ASCII) or label.lower() in YAML_WORDS), None)
    if len(value) > 200 or bad is not None or len(set(labels)) < len(labels):
        return "must be a label, or different ones with commas, each of letters, digits and '_.-', a letter first"
    if any(re.fullmatch("self[_.]?hosted", label, re.IGNORECASE) for label in labels):
        return "is no label that GitHub knows; did you mean 'self-hosted'?"
    if any(label.lower().startswith(("windows", "macos")) for label in labels):
        return "is no machine for the workflows: they need Linux"
    return None


def contradiction() -> str | None:
    """One complete line about two answers that do not go together, or ``None``."""
    store, runner = ANSWERS["store"], ANSWERS["runner"]
    if store.startswith("/") and runner.startswith("ubuntu-") and "," not in runner:
        machine = f"a machine of GitHub's (runner {shown(runner)})"
        return f"error: store {shown(store)} is a folder, which {machine} does not have; did you mean runner=self-hosted, or store=git?"
    return None


def first_problem() -> str | None:
    """One complete line about the first bad answer, or ``None`` when all are good."""
    checks = [
        *((name, partial(text_rule, name), example) for name, example in TEXT_EXAMPLES.items()),
        ("project_slug", slug_rule, "house-prices"),
        ("package_name", package_rule, "house_prices"),
        ("github_owner", owner_rule, "octo-org"),
        ("store", store_rule, "s3://bucket/prefix"),
        ("runner", runner_rule, "self-hosted,linux"),
    ]
    for name, rule, example in checks:
        value = ANSWERS.get(name)
        broken = rule(value) if isinstance(value, str) else "must be text"
        if broken:
            return f"error: {name} {shown(value)} {broken}; an example that passes: {example}"
    return contradiction()


def remove_extra_folders() -> None:
    """Remove the empty folders that a slug with a '/' in it made above the one that cookiecutter removes."""
    output = str(ANSWERS.get("_output_dir") or "")
    here = Path.cwd()
    os.chdir(here.anchor)
    while output and str(here) != output and str(here).startswith(output + os.sep) and not any(here.iterdir()):
        here.rmdir()
        here = here.parent


if __name__ == "__main__":
    problem = first_problem()
    if problem:
        print(problem, file=sys.stderr, flush=True)
        if "/" in str(ANSWERS.get("project_slug")):
            remove_extra_folders()
        sys.exit(1)
