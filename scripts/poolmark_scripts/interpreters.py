"""The CPython that ours is measured beside, which need not be the one that runs the scripts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

OLDEST = (3, 9)
PROBE = """
import concurrent.futures.process, json, platform, sys
print(json.dumps({"path": sys.executable, "implementation": platform.python_implementation(),
                  "version": platform.python_version(), "at_least_3_9": sys.version_info >= (3, 9),
                  "gil": getattr(sys, "_is_gil_enabled", lambda: True)()}))
"""


class NoPython(Exception):
    """There is no interpreter to measure; the text says what was tried."""


def find_python(wanted: str | None = None) -> dict[str, Any]:
    """What there is to say of the interpreter to measure: `wanted`, or the first that will do, in the order of
    scripts/lib/setup.sh, Debian's before another one. NoPython if none does."""
    candidates = [wanted] if wanted else [os.environ.get("POOLMARK_PYTHON"), "/usr/bin/python3", "python3"]
    for candidate in candidates:
        path = shutil.which(candidate) if candidate else None
        about = path and _ask(path)
        if about and about["implementation"] == "CPython" and about["at_least_3_9"]:
            return about
    tried = ", ".join(candidate for candidate in candidates if candidate)
    raise NoPython(
        f"none of these is a CPython of {'.'.join(map(str, OLDEST))} or newer with concurrent.futures: {tried}."
    )


def _ask(path: str) -> dict[str, Any] | None:
    asked = subprocess.run([path, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    try:
        return json.loads(asked.stdout) if asked.returncode == 0 else None
    except ValueError:
        return None
