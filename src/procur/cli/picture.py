"""An excerpt of the demo as a picture: the parts that tell most, short enough to look at."""

import re
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 112
# Step number -> how many lines to keep from its start and from its end.
KEPT = {3: (30, 0), 5: (3, 21), 6: (17, 0), 7: (3, 2), 8: (3, 9), 9: (4, 7)}
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_STEP = re.compile(r"^(\d)  ")


def recording_console() -> Console:
    """Return a console that prints as usual and remembers what it printed."""
    return Console(highlight=False, record=True, width=WIDTH)


def save_excerpt(recorded: Console, file: Path) -> None:
    """Write the kept parts of a recorded run as an SVG; cuts show as a line with an ellipsis."""
    steps: dict[int, list[str]] = {}
    current = 0
    for line in recorded.export_text(styles=True).splitlines():
        found = _STEP.match(Text.from_ansi(line).plain)
        current = int(found[1]) if found else current
        steps.setdefault(current, []).append(line)
    picture = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    picture.print(Text("$ make demo", style="bold"))
    for number, (first, last) in KEPT.items():
        lines = steps.get(number, [])
        shown = lines
        if len(lines) > first + last:
            shown = [*lines[:first], "        …", *(lines[-last:] if last else [])]
        for line in shown:
            picture.print(Text.from_ansi(line))
    # Without the fonts that rich would fetch from elsewhere: a picture asks nobody for anything.
    svg = _FONT.sub("", picture.export_svg(title="procur demo"))
    svg = svg.replace("<text ", '<text xml:space="preserve" ')
    file.write_text(svg, encoding="utf-8")
