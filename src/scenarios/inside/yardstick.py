"""A fixed piece of work like that of a rehearsal: programs that start, modules that load, digests, text, compression."""

import hashlib
import json
import subprocess
import sys
import zlib

START = "import argparse, asyncio, email, http.client, json, logging, sqlite3, ssl, unittest, urllib.request, xml.dom.minidom"


def main() -> None:
    """Work."""
    for _ in range(3):
        subprocess.run([sys.executable, "-I", "-c", START], check=True)
    rows = [{"id": number, "name": f"row {number * 7919 % 10007}", "value": number / 7} for number in range(40_000)]
    text = json.dumps(sorted(json.loads(json.dumps(rows)), key=lambda row: row["name"]))
    hashlib.sha256(zlib.compress(text.encode() * 2, 6)).hexdigest()


if __name__ == "__main__":
    main()
