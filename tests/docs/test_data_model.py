import inspect

import generated
from sqlalchemy import CheckConstraint, Enum, ForeignKeyConstraint, UniqueConstraint

from procur.db.base import SCHEMA_VERSION, Base

INTRODUCTION = """# Tables

{note}

Schema version {version}. The tables are the same on SQLite and PostgreSQL. `Money` has four decimals
and `Cost` ten (on SQLite [scaled integers](../explanation/decisions/0001-money-is-exact-on-sqlite.md)),
`Time` is UTC, `Json` is JSONB on PostgreSQL. Keys are UUIDs; a number such as `REQ-2026-00001` is unique
within its organisation.

- A row of an organisation has `organization_id`. Where the key is (`organization_id`, `id`), every reference
  contains both, so that no row can point into another organisation.
- A row with `deleted_at` set counts as deleted. It is hidden from reads; "unique" means among the others.
- Triggers keep `updated_at`, refuse changes to an offer's terms, to mandates, to events and to the audit
  trail, and hold every accepted offer to its mandate ([why](../explanation/security-of-limits.md)).
"""
NAMES = {
    "BigInteger": "integer",
    "Boolean": "yes or no",
    "Date": "date",
    "Double": "number",
    "Integer": "integer",
    "String": "text",
    "Text": "text",
    "UtcDateTime": "Time",
    "Uuid": "UUID",
}


def kind(column):
    of = column.type
    if isinstance(of, Enum):
        return "one of " + ", ".join(f"`{value}`" for value in of.enums)
    name = NAMES.get(type(of).__name__, type(of).__name__)
    length = getattr(of, "length", None)
    return f"{name}, {length}" if length and name == "text" else name


def default(column):
    value = getattr(column.default, "arg", None)
    if column.default is None or callable(value):
        return ""
    return f"`{value}`"


def targets(table):
    """Return the table that each column refers to."""
    found = {}
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            names = [key.parent.name for key in constraint.elements]
            own = [name for name in names if name != "organization_id"] or names
            found[own[0]] = f"`{constraint.referred_table.name}`"
    return found


def unique(table):
    """Return each unique rule in words, with its condition where it has one."""
    found = [(k.columns, None) for k in table.constraints if isinstance(k, UniqueConstraint)]
    found += [(i.columns, i.dialect_options["sqlite"]["where"]) for i in table.indexes if i.unique]
    for columns, where in found:
        names = (
            ", ".join(f"`{c.name}`" for c in columns if c.name != "organization_id") or "`organization_id`"
        )
        parts = [] if where is None else str(where).split(" AND ")
        more = " AND ".join(part for part in parts if part != "deleted_at IS NULL")
        yield f"- unique: {names}" + (f" where `{more}`" if more else "")


def rules(table):
    checks = {str(k.sqltext) for k in table.constraints if isinstance(k, CheckConstraint)}
    # A choice's CHECK is told by its column.
    lines = sorted(unique(table)) + [f"- `{each}`" for each in sorted(checks) if "POSTCOMPILE" not in each]
    return [*lines, ""] if lines else []


def section(mapper):
    table, refers = mapper.local_table, targets(mapper.local_table)
    rows = [
        [
            f"`{column.name}`" + (" (key)" if column.primary_key else ""),
            kind(column),
            "" if column.nullable else "yes",
            default(column),
            refers.get(column.name, ""),
        ]
        for column in table.columns
    ]
    about = " ".join(inspect.cleandoc(mapper.class_.__doc__).split())
    head = [f"## {table.name}", "", f"`procur.db.models.{mapper.class_.__name__}`. {about}", ""]
    return [
        *head,
        *generated.table(["column", "holds", "needed", "default", "refers to"], rows),
        *rules(table),
    ]


def page():
    mappers = sorted(Base.registry.mappers, key=lambda mapper: mapper.local_table.name)
    lines = [INTRODUCTION.format(note=generated.NOTE, version=SCHEMA_VERSION)]
    return "\n".join([*lines, *(line for mapper in mappers for line in section(mapper))]).rstrip() + "\n"


def test_the_page_of_tables_is_what_the_models_say():
    assert generated.is_up_to_date("data-model.md", page()), (
        "PROCUR_WRITE_DOCS=1 pytest tests/docs rewrites it"
    )
