"""Everything that shows that work survives, one after the other, and one table at the end.

    python benchmarks/durability [--short] [NAME ...]

Exit status 1 when any part deviates from what it promises; each part prints its own figures.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

PARTS = {
    "rounds": ("negotiation rounds under killed workers, SIGTERM under load", ()),
    "event_storm": ("facts to groups under killed consumers", ()),
    "outages": ("PostgreSQL and Redis killed under work", ()),
    "throughput": ("empty jobs a second, idle latency, beside others", ("--peers",)),
}


def main() -> int:
    """Run the parts; return 1 when one of them deviates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="small counts: some minutes in all")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these")
    asked = parser.parse_args()
    rows = []
    for name in asked.parts or PARTS:
        about, options = PARTS[name]
        print(f"\n== {name}: {about}", flush=True)
        command = [sys.executable, str(Path(__file__).parent / f"{name}.py"), *options]
        start = time.monotonic()
        ended = subprocess.run(  # noqa: S603 - our own programs
            [*command, "--short"] if asked.short else command, check=False
        )
        rows.append((name, about, ended.returncode, time.monotonic() - start))
    print(f"\n{'part':<12} {'what':<58} {'held':<5} seconds")
    for name, about, code, seconds in rows:
        print(f"{name:<12} {about:<58} {'no' if code else 'yes':<5} {seconds:7.0f}")
    return int(any(code for _, _, code, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
