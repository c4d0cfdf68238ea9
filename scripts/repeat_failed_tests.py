"""Repeat, alone and once, the few tests that failed while others ran beside them; `make test` calls it.

A test whose outcome depends on how busy the machine is passes alone, and is named in the last lines as one to repair.
More than a few failures are no chance, and are not repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST = 5
SECONDS = 1800


def main() -> int:
    """Return the exit code: 0 if each of them passes alone."""
    failed = sorted(json.loads(FAILED.read_text(encoding="utf-8"))) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return 1  # none is known: the run itself broke off
    # A cell of a notebook needs those before it.
    wanted = dict.fromkeys(name.partition("::")[0] if ".ipynb::" in name else name for name in failed)
    print(f"\n{len(failed)} failed while others ran beside them; repeated alone:", flush=True)
    environment = {**os.environ, "SNB_KEEP_EVIDENCE": "1"}  # screenshots of the first failure
    code = subprocess.run([*sys.argv[1:], *wanted], cwd=ROOT, env=environment, check=False, timeout=SECONDS).returncode
    if code == 0:
        print("These passed alone only. Their outcome depends on how busy the machine is; repair them:")
        print("\n".join(f"  {name}" for name in failed), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
