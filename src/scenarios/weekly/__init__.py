"""Once a week: does a bake still work with the newest libraries that its ranges allow, and if not, which one broke it?"""

from __future__ import annotations

from pathlib import Path

FINDING = Path("build/weekly/finding.json")
