import generated

from procur.core.actor import MEANING, PERMISSIONS

INTRODUCTION = """# Roles and permissions

{note}

Every command except `init`, `db` and `demo` asks who acts (`--as`, else the organisation's first owner) and
whether their role may do this. Whoever is not on record is "not found", whatever the command; whoever lacks
the permission is told which one it takes, and nothing is read or written for them.

- `owner`, `admin`, `approver`, `buyer`, `member` and `viewer` are people of the company. A member asks for
  things and a viewer looks on; neither sees mandates, offers or contracts.
- `vendor` is somebody of the other side. Such a person sees the contracts and orders of the vendor for which
  they sign, and nothing else.
- `agent` is the buyer's negotiating agent, `system` is Procur itself. No person can have these roles.
- A permission is not all it takes: nobody decides on their own request or proposal, one person decides once,
  and each side signs for itself ([what protects the limits](../explanation/security-of-limits.md)).

"""


def page():
    head = ["permission", "lets one", *PERMISSIONS]
    rows = [
        [f"`{name}`", meaning, *("yes" if name in granted else "" for granted in PERMISSIONS.values())]
        for name, meaning in MEANING.items()
    ]
    return INTRODUCTION.format(note=generated.NOTE) + "\n".join(generated.table(head, rows))


def test_the_page_of_permissions_is_what_the_table_says():
    assert generated.is_up_to_date("permissions.md", page()), (
        "PROCUR_WRITE_DOCS=1 pytest tests/docs rewrites it"
    )
