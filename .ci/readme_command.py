"""Print a command of the README: the one line of the bash block below its marker.

Usage: ``python .ci/readme_command.py tests``, for the block that follows
``<!-- ci: tests -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def read_command(text: str, name: str) -> str:
    """Return the line of the bash block below the marker, or raise ValueError."""
    marker = f"<!-- ci: {name} -->"
    blocks = re.findall(re.escape(marker) + r"\n+```bash\n(.*?)\n```", text, flags=re.DOTALL)
    if len(blocks) != 1 or "\n" in blocks[0]:
        raise ValueError(
            f"README has {len(blocks)} bash blocks below {marker!r}; expected one, of one line"
        )
    return str(blocks[0])


if __name__ == "__main__":
    print(read_command(README.read_text(encoding="utf-8"), sys.argv[1]))
