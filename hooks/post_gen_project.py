"""Takes out what does not belong to the answers, writes two of them into the workflows, and says what to do next.

Touches neither git nor the network.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

ANSWERS: dict = json.loads(r"""{{ cookiecutter | tojson }}""")

# Which files belong to which answers; what is not named here belongs to all.
KUBERNETES = ("kubernetes", "argocd", "flux")
BELONGS: dict = {
    "data/telco_churn.csv": ("problem", ("binary",)),
    "data/penguins.csv": ("problem", ("multi-class",)),
    "data/deliveries.csv": ("problem", ("regression",)),
    "deploy/kubernetes/base": ("deploy", KUBERNETES),
    "deploy/kubernetes/overlays": ("deploy", KUBERNETES),
    "deploy/kubernetes/argocd.yaml": ("deploy", ("argocd",)),
    "deploy/kubernetes/flux.yaml": ("deploy", ("flux",)),
    "deploy/prometheus/alertmanager.yml": ("notify", ("slack", "webhook")),
}
# Files that are copied as they are, and the text in them that an answer replaces.
WORKFLOWS = ".github/workflows/*.yml"
WRITTEN: dict = {
    "python": (".github/actions/setup/action.yml", 'python-version: "3.11"', 'python-version: "%s"'),
    "runner": (WORKFLOWS, "runs-on: ubuntu-24.04", "runs-on: %s"),
}


def take_out(root: Path, answers: dict) -> None:
    """Remove what does not belong to the answers, and the folders that are empty then."""
    for name, (question, values) in BELONGS.items():
        path = root / name
        if answers[question] in values:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()


def write_in(root: Path, answers: dict) -> None:
    """Write the Python and the runner into the workflows.

    Raises:
        ValueError: a file does not hold the text that is to be replaced.
    """
    labels = [label.strip() for label in answers["runner"].split(",")]
    values = {"python": answers["python"], "runner": labels[0] if len(labels) == 1 else f"[{', '.join(labels)}]"}
    for question, (pattern, old, new) in WRITTEN.items():
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            if f"{old}\n" not in text:
                raise ValueError(f"{path.name} has no line '{old}' for the answer {question}: mend it, or WRITTEN in this hook")
            path.write_text(text.replace(f"{old}\n", f"{new % values[question]}\n"), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    take_out(Path(), ANSWERS)
    write_in(Path(), ANSWERS)
    # cruft bakes into temporary folders when it updates a repository that is there: what to do next is not said then.
    if "_output_dir" not in ANSWERS and Path.cwd().is_relative_to(Path(tempfile.gettempdir()).resolve()):
        sys.exit()
    slug, owner, store = ANSWERS["project_slug"], ANSWERS["github_owner"], ANSWERS["store"]
    print(f"Made {slug}/. Next:")
    if "://" in store:
        print(f"  make -C {slug} lock   # with uv: locks what {store} needs; read 'Where models are kept' in README.md")
    print(f"  cd {slug} && git init -b main && git add -A && git commit -m 'First commit'")
    print("  make train           # sets itself up, trains, and shows the metrics; then `make serve`")
    print(f"  gh repo create {owner}/{slug} --private --source . --push   # first, read 'On GitHub' in README.md")
