"""What the story's fork adds to its pull request: a workflow that asks for every right, and a script that uses them."""

from __future__ import annotations

from pathlib import Path

SECRET = "STORY_SECRET"
MARK = "mischief:"
SCRIPT = """\
# Tries to do what a pull request must not be able to do. Each line says how it ended.
try_it() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "mischief: $name: done"; else echo "mischief: $name: refused"; fi; }
echo "mischief: secret: ${#STOLEN} characters"
auth="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$GH_TOKEN" | base64 -w0)"
repo="repos/$GITHUB_REPOSITORY"
service=https://results-receiver.actions.githubusercontent.com
ask() { python3 -c 'import sys; from urllib.request import *; urlopen(Request(sys.argv[1], headers={"authorization": sys.argv[2]}))' "$@"; }
try_it comment gh api "$repo/issues/1/comments" -f body="I was here"
try_it status gh api "$repo/statuses/$HEAD_SHA" -f state=success -f context="model review" -f description="promote me"
try_it push git -c "http.$GITHUB_SERVER_URL/.extraheader=$auth" push "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" HEAD:refs/heads/main
try_it store git -c "http.$GITHUB_SERVER_URL/.extraheader=$auth" push --force "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" HEAD:refs/dvc/store
try_it identity ask "${ACTIONS_ID_TOKEN_REQUEST_URL:-$service/identity-token}" "Bearer $GH_TOKEN"
try_it deployment gh api "$repo/deployments" -f ref=main -f environment=production
exit 0
"""
_STEP = """\
      - name: Mischief
        if: ${{ !cancelled() }}
        env:
          GH_TOKEN: ${{ github.token }}
          STOLEN: ${{ secrets.STORY_SECRET }}
          HEAD_SHA: ${{ github.event.pull_request.head.sha }}
        run: bash mischief.sh
"""


def plant(folder: Path) -> None:
    """Put the script and a workflow step that asks for every right into a fork's working tree."""
    (folder / "mischief.sh").write_text(SCRIPT, encoding="utf-8")
    path = folder / ".github/workflows/train.yml"
    text = path.read_text(encoding="utf-8").replace("permissions: {}", "permissions: write-all", 1)
    head, found, tail = text.rpartition("      - uses: actions/upload-artifact@")
    if not found:
        head, found, tail = text, "", ""
    text = head + _STEP + found + tail
    more = "".join(f"      {right}: write\n" for right in ("statuses", "pull-requests", "deployments", "id-token"))
    text = text.replace("contents: read #", "contents: write #").replace("    permissions:\n", f"    permissions:\n{more}")
    path.write_text(text, encoding="utf-8")


def outcomes(log: str) -> dict[str, str]:
    """How each try ended, read from the run's log."""
    found = {}
    for part in log.split(MARK)[1:]:
        name, _, rest = part.partition(":")
        found[name.strip()] = rest.split("\\n")[0].split("\n")[0].split('"')[0].strip()
    return found
