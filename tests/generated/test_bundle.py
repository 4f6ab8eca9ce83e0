"""What loading a bundle does to a machine beside scoring."""

import subprocess
import sys


def test_onnxruntime_reports_to_nobody() -> None:
    """It reads the switch when it is loaded; a choice that a person made stays."""
    code = "import os, churn.bundle; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, kept in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == kept
