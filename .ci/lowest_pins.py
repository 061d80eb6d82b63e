"""Print the lower bounds of setup.cfg as pins, one a line: ``numpy>=1.26`` as ``numpy==1.26``.

The requirements are those of the package and of the extras that users install;
torch is left out (see versions.sh).
"""

from __future__ import annotations

import configparser
import re
import sys

EXTRAS = ("plot", "notes", "effects", "dask", "ray", "optuna")


def lowest_pins(path: str) -> list[str]:
    """Return a pin for each requirement of the file, or raise ValueError."""
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    text = config["options"]["install_requires"]
    text += "".join(config["options.extras_require"][extra] for extra in EXTRAS)
    pins = []
    for line in filter(None, text.splitlines()):
        match = re.fullmatch(r"([\w.-]+)(\[\w+\])?>=([\d.]+)", line)
        if match is None:
            raise ValueError(f"{path} asks for {line!r}; write it as name>=version")
        if match[1] != "torch":
            pins.append(f"{match[1]}=={match[3]}")
    return pins


if __name__ == "__main__":
    print("\n".join(lowest_pins(sys.argv[1])))
