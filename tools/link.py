"""Put the project's sources on the path of the virtual environment that runs this, and its command beside the interpreter.

What `pip install --no-deps -e .` does, without fetching a build tool.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

root = Path(__file__).resolve().parent.parent
(Path(sysconfig.get_path("purelib")) / "footfall.pth").write_text(f"{root / 'src'}\n")
command = Path(sys.executable).with_name("footfall")
command.write_text(f"#!{sys.executable}\nfrom footfall.cli.main import main\n\nmain()\n")
command.chmod(0o755)
