"""Says what to do next. Touches neither git nor the network."""

import json

ANSWERS: dict = json.loads(r"""{{ cookiecutter | tojson }}""")

if __name__ == "__main__":
    slug, owner, store = ANSWERS["project_slug"], ANSWERS["github_owner"], ANSWERS["store"]
    print(f"Made {slug}/. Next:")
    if "://" in store:
        print(f"  make -C {slug} lock   # with uv: locks what {store} needs; read 'Where models are kept' in README.md")
    print(f"  cd {slug} && git init -b main && git add -A && git commit -m 'First commit'")
    print("  make train           # sets itself up, trains, and shows the metrics; then `make serve`")
    print(f"  gh repo create {owner}/{slug} --private --source . --push   # first, read 'On GitHub' in README.md")
