"""The code blocks of the documents Procur was asked to implement, read where they lie, never copied.

Which names they import from where, what has to be written differently and what cannot run stands in
docs/reference/coming-from.md; this module reads the tables there.
"""

import ast
import builtins
import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "coming-from.md"
VARIABLE = "PROCUR_SHARED"
# Imported as written.
ANYBODYS = {"sqlalchemy", "fastapi", "pytest", "alembic", "os"}

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TICKED = re.compile(r"`([^`]*)`")


class Undeclared(Exception):
    """The page says nothing about this part of a block."""


@dataclass(frozen=True)
class Block:
    """One code block: "001-2" is the second one of the document 001."""

    name: str
    text: str

    @property
    def mark(self) -> str:
        """What tells whether the block has changed since somebody looked at it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def document(self) -> str:
        return self.name.partition("-")[0]


def folder() -> Path | None:
    """Return where the documents lie, None where they do not."""
    shared = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared")
    found = shared / "source"
    return found if found.is_dir() else None


@cache
def blocks(where: Path) -> dict[str, Block]:
    """Return all Python blocks by name."""
    found = {}
    for path in sorted(where.glob("*.txt")):
        document = path.name.partition("_")[0]
        for number, text in enumerate(_BLOCK.findall(path.read_text(encoding="utf-8")), start=1):
            found[f"{document}-{number}"] = Block(f"{document}-{number}", text)
    return found


def documents(where: Path) -> dict[str, str]:
    """Return the whole texts by number."""
    return {
        path.name.partition("_")[0]: path.read_text(encoding="utf-8") for path in sorted(where.glob("*.txt"))
    }


# -- the page ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Declared:
    """What the page says: names by document, replacements and reasons by block."""

    imports: dict[str, dict[str, str]]
    instead: dict[str, list[tuple[str, str]]]
    left_out: dict[str, str]


@cache
def declared() -> Declared:
    """Read the page's tables."""
    imports: dict[str, dict[str, str]] = {}
    instead: dict[str, list[tuple[str, str]]] = {}
    left_out: dict[str, str] = {}
    document = head = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            document = line.removeprefix("## ").partition(":")[0]
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            head = ""
        elif not head:
            head = line
        elif set(line) <= set("|- "):
            continue
        elif head.startswith("| import there"):
            imports.setdefault(document, {})[_code(cells[0])] = _code(cells[1])
        elif head.startswith("| block | written there"):
            instead.setdefault(cells[0], []).append((_code(cells[1]), _code(cells[2])))
        elif head.startswith("| block | not run"):
            left_out[cells[0]] = cells[1]
    return Declared(imports, instead, left_out)


def _code(cell: str) -> str:
    found = _TICKED.fullmatch(cell)
    assert found is not None, f"a table of {PAGE.name} has {cell!r}, which is no code"
    return found[1]


# -- rewriting -----------------------------------------------------------------------------------------


def rewritten(block: Block, known: set[str] | None = None) -> str:
    """Return the block as it runs here, with imports of the names it uses without importing them.

    `known` are the names that blocks before it, or the test, have defined.
    """
    text = block.text
    for there, here in declared().instead.get(block.name, []):
        if there not in text:
            raise Undeclared(f"{block.name} does not contain {there!r}")
        text = text.replace(there, here)
    tree = ast.parse(text, block.name)
    names = declared().imports.get(block.document, {})
    tree.body = [*_missing(tree, names, known or set()), *tree.body]
    tree = _Imports(block, names).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree))


class _Imports(ast.NodeTransformer):
    """Turns the imports of a block into ours."""

    def __init__(self, block: Block, names: dict[str, str]) -> None:
        self.block = block
        self.names = names

    def visit_Import(self, node: ast.Import) -> ast.Import:
        for alias in node.names:
            if alias.name.partition(".")[0] not in ANYBODYS:
                raise Undeclared(f"{self.block.name} imports {alias.name}")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        return [self._one(node.module or "", alias) for alias in node.names]

    def _one(self, module: str, alias: ast.alias) -> ast.stmt:
        there = f"{module}.{alias.name}"
        if there in self.names:
            return import_of(self.names[there], alias.asname or alias.name)
        # What blocks import without our doing is already ours once it came from the page.
        if module.partition(".")[0] in ANYBODYS or there in self.names.values():
            return ast.ImportFrom(module, [alias], 0)
        raise Undeclared(f"{self.block.name} imports {there}")


def import_of(path: str, name: str) -> ast.stmt:
    """Return the statement that imports what stands at `path` under a name."""
    module, _, attribute = path.rpartition(".")
    return ast.ImportFrom(module, [ast.alias(attribute, None if attribute == name else name)], 0)


def _missing(tree: ast.Module, names: dict[str, str], known: set[str]) -> list[ast.stmt]:
    """Return imports of the documented names that the block uses without importing or defining them."""
    used = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    defined = known | {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            defined |= {alias.asname or alias.name for alias in node.names}
    by_name = {there.rpartition(".")[2]: here for there, here in names.items()}
    wanted = sorted((used - defined - set(dir(builtins))) & set(by_name))
    return [import_of(by_name[name], name) for name in wanted]


# -- listings of methods ---------------------------------------------------------------------------------

_LISTED = re.compile(r"^(\w+)\((.*)\) -> ", re.MULTILINE)


def listed_methods(block: Block) -> dict[str, list[str]]:
    """Return the methods that a block lists, with the names of their arguments."""
    return {
        name: [argument.strip() for argument in arguments.split(",") if argument.strip() != "..."]
        for name, arguments in _LISTED.findall(block.text)
    }


def class_above(block: Block, document: str) -> str:
    """Return the class whose methods a block lists: the heading over it."""
    before = document[: document.index(block.text)]
    return re.findall(r"^### (\w+)$", before, re.MULTILINE)[-1]
