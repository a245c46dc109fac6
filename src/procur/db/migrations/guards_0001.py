# ruff: noqa: S608 - the names come from this module
"""Triggers of revision 0001: what the database refuses, whoever writes. Frozen: changes get a later module.

Each refusal is raised as "procur:<kind>:<message>", which `procur.db.failures` turns into Procur's errors.
"""

from collections.abc import Iterator

TOUCHED = (
    "approvals",
    "contracts",
    "events",
    "mandates",
    "negotiation_sessions",
    "number_sequences",
    "offers",
    "organizations",
    "policy_configs",
    "purchase_order_lines",
    "purchase_orders",
    "requests",
    "user_accounts",
    "vendor_evidence",
    "vendor_profiles",
)

# What may never change once written, per table.
FIXED = {
    "offers": (
        "an offer's terms cannot be changed once made; make a new offer",
        (
            "id",
            "organization_id",
            "offer_id",
            "request_id",
            "vendor_id",
            "negotiation_session_id",
            "unit_price",
            "quantity",
            "term_months",
            "payment_terms",
            "currency",
            "value_adds",
            "round_number",
            "actor",
        ),
    ),
    "mandates": (
        "a mandate cannot be changed; write a new version",
        (
            "id",
            "organization_id",
            "request_id",
            "version",
            "max_total",
            "max_yearly",
            "max_unit_price",
            "min_quantity",
            "max_quantity",
            "terms_months",
            "payment_terms",
            "currency",
            "expires_at",
            "source",
            "created_by",
            "reason",
            "created_at",
        ),
    ),
    "events": (
        "an event cannot be changed",
        (
            "id",
            "organization_id",
            "type",
            "aggregate_type",
            "aggregate_id",
            "version",
            "payload",
            "metadata",
            "correlation_id",
            "causation_id",
            "actor_type",
            "actor_id",
            "priority",
            "occurred_at",
            "created_at",
        ),
    ),
}
KIND_OF_FIXED = {"offers": "immutable", "mandates": "immutable", "events": "append_only"}
NEVER_DELETED = ("audit_logs", "events")

_MONTHS = "CASE WHEN NEW.term_months = 0 THEN 1 ELSE NEW.term_months END"
_YEAR = "CASE WHEN NEW.term_months = 0 THEN 1 WHEN NEW.term_months > 12 THEN 12 ELSE NEW.term_months END"
NAMED_MANDATE = (
    "named.organization_id = NEW.organization_id AND named.id = NEW.mandate_id "
    "AND named.request_id = NEW.request_id AND named.deleted_at IS NULL"
)
NEWER_MANDATE = (
    "EXISTS (SELECT 1 FROM mandates newer WHERE newer.organization_id = m.organization_id "
    "AND newer.request_id = m.request_id AND newer.version > m.version AND newer.deleted_at IS NULL)"
)
# The database's twin of procur.core.deal.Mandate.breaches and of the mandate's end; what stands in braces
# differs per database.
LIMITS = (
    ("an accepted offer has to say when it was accepted", "{no_moment}"),
    ("a newer version of the mandate exists", NEWER_MANDATE),
    (
        "the mandate had ended when the offer was accepted",
        "m.expires_at IS NOT NULL AND m.expires_at < NEW.accepted_at",
    ),
    ("the currency is not the mandate's", "NEW.currency <> m.currency"),
    ("the unit price is below zero", "NEW.unit_price < 0"),
    ("the unit price is above the mandate's", "NEW.unit_price > m.max_unit_price"),
    ("the quantity is outside the mandate's", "NEW.quantity NOT BETWEEN m.min_quantity AND m.max_quantity"),
    ("the total is above the mandate's", f"NEW.unit_price * NEW.quantity * ({_MONTHS}) > m.max_total"),
    (
        "the yearly cost is above the mandate's",
        f"m.max_yearly IS NOT NULL AND NEW.unit_price * NEW.quantity * ({_YEAR}) > m.max_yearly",
    ),
    ("the term is not among the mandate's", "NOT ({has_term})"),
    ("the payment terms are not among the mandate's", "NOT ({has_payment})"),
)
ACCEPTED_ONCE = "an offer is accepted once: the moment stays"
NO_MANDATE = "an accepted offer has to name a mandate of its own request"


def sqlite() -> Iterator[str]:
    """Yield the statements that create every trigger on SQLite."""
    owner = "organization_id = NEW.organization_id"
    for table in TOUCHED:
        key = {
            "number_sequences": f"{owner} AND kind = NEW.kind AND year = NEW.year",
            "organizations": "id = NEW.id",
            "user_accounts": "id = NEW.id",
        }.get(table, f"{owner} AND id = NEW.id")
        yield (
            f"CREATE TRIGGER touch_{table} AFTER UPDATE ON {table} WHEN NEW.updated_at IS OLD.updated_at "
            f"BEGIN UPDATE {table} SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000' "
            f"WHERE {key}; END"
        )
    for table, (message, columns) in FIXED.items():
        changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
        refusal = _abort(f"procur:{KIND_OF_FIXED[table]}:{message}")
        yield f"CREATE TRIGGER fixed_{table} BEFORE UPDATE ON {table} WHEN {changed} BEGIN {refusal}; END"
    yield (
        "CREATE TRIGGER fixed_offers_mandate BEFORE UPDATE ON offers "
        "WHEN OLD.mandate_id IS NOT NULL AND NEW.mandate_id IS NOT OLD.mandate_id "
        f"BEGIN {_abort('procur:immutable:an offer keeps the mandate it was made under')}; END"
    )
    yield (
        "CREATE TRIGGER fixed_offers_accepted_at BEFORE UPDATE ON offers "
        "WHEN OLD.accepted_at IS NOT NULL AND NEW.accepted_at IS NOT OLD.accepted_at "
        f"BEGIN {_abort('procur:immutable:' + ACCEPTED_ONCE)}; END"
    )
    yield (
        "CREATE TRIGGER append_only_audit_logs_update BEFORE UPDATE ON audit_logs "
        f"BEGIN {_abort('procur:append_only:audit entries cannot be changed')}; END"
    )
    for table in NEVER_DELETED:
        yield (
            f"CREATE TRIGGER append_only_{table}_delete BEFORE DELETE ON {table} "
            f"BEGIN {_abort(f'procur:append_only:rows of {table} cannot be deleted')}; END"
        )
    # "IS NOT 0": anything but false counts as accepted, also text that SQLite would let into the column.
    yield (
        f"CREATE TRIGGER mandate_insert BEFORE INSERT ON offers WHEN NEW.accepted IS NOT 0 {_sqlite_guard()}"
    )
    yield (
        "CREATE TRIGGER mandate_update BEFORE UPDATE ON offers "
        f"WHEN NEW.accepted IS NOT 0 AND NEW.accepted IS NOT OLD.accepted {_sqlite_guard()}"
    )


def _abort(message: str) -> str:
    quoted = message.replace("'", "''")
    return f"SELECT RAISE(ABORT, '{quoted}')"


_DIGITS = "[0-9][0-9]"
_MOMENT = f"{_DIGITS}{_DIGITS}-{_DIGITS}-{_DIGITS} {_DIGITS}:{_DIGITS}:{_DIGITS}.*"


def _sqlite_guard() -> str:
    has = {
        "has_term": "EXISTS (SELECT 1 FROM json_each(m.terms_months) WHERE value = NEW.term_months)",
        "has_payment": "EXISTS (SELECT 1 FROM json_each(m.payment_terms) WHERE value = NEW.payment_terms)",
        # SQLite lets any text into the column; one that is no moment would compare as an early one.
        "no_moment": f"NEW.accepted_at IS NULL OR NEW.accepted_at NOT GLOB '{_MOMENT}'",
    }
    prefix = "procur:outside_mandate:"
    mandate = f"SELECT * FROM mandates named WHERE {NAMED_MANDATE}"
    steps = [
        f"{_abort(prefix + NO_MANDATE)} WHERE NOT EXISTS ({mandate})",
        *(
            f"{_abort(prefix + message)} FROM ({mandate}) m WHERE ({rule.format(**has)})"
            for message, rule in LIMITS
        ),
    ]
    return f"BEGIN {'; '.join(steps)}; END"


def postgresql() -> Iterator[str]:
    """Yield the statements that create every function and trigger on PostgreSQL."""
    yield _function(
        "procur_touch",
        "IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at "
        "THEN NEW.updated_at := clock_timestamp(); END IF; RETURN NEW;",
    )
    for table in TOUCHED:
        yield _trigger(f"touch_{table}", f"BEFORE UPDATE ON {table} FOR EACH ROW", "procur_touch()")
    yield _function(
        "procur_refuse",
        "RAISE EXCEPTION USING MESSAGE = 'procur:' || TG_ARGV[0] || ':' || TG_ARGV[1], ERRCODE = 'P0001';",
    )
    for table, (message, columns) in FIXED.items():
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
        yield _trigger(
            f"fixed_{table}",
            f"BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed})",
            _refusal(KIND_OF_FIXED[table], message),
        )
    yield _trigger(
        "fixed_offers_mandate",
        "BEFORE UPDATE ON offers FOR EACH ROW "
        "WHEN (OLD.mandate_id IS NOT NULL AND NEW.mandate_id IS DISTINCT FROM OLD.mandate_id)",
        _refusal("immutable", "an offer keeps the mandate it was made under"),
    )
    yield _trigger(
        "fixed_offers_accepted_at",
        "BEFORE UPDATE ON offers FOR EACH ROW "
        "WHEN (OLD.accepted_at IS NOT NULL AND NEW.accepted_at IS DISTINCT FROM OLD.accepted_at)",
        _refusal("immutable", ACCEPTED_ONCE),
    )
    yield _trigger(
        "append_only_audit_logs_update",
        "BEFORE UPDATE ON audit_logs FOR EACH ROW",
        _refusal("append_only", "audit entries cannot be changed"),
    )
    for table in NEVER_DELETED:
        refusal = _refusal("append_only", f"rows of {table} cannot be deleted")
        yield _trigger(f"append_only_{table}_delete", f"BEFORE DELETE ON {table} FOR EACH ROW", refusal)
        yield _trigger(
            f"append_only_{table}_truncate", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", refusal
        )
    yield _function("procur_offer_mandate", _postgresql_guard(), declare="m record;")
    yield _trigger(
        "mandate_insert", "BEFORE INSERT ON offers FOR EACH ROW WHEN (NEW.accepted)", "procur_offer_mandate()"
    )
    yield _trigger(
        "mandate_update",
        "BEFORE UPDATE ON offers FOR EACH ROW WHEN (NEW.accepted AND NOT OLD.accepted)",
        "procur_offer_mandate()",
    )


def _postgresql_guard() -> str:
    has = {
        "has_term": "m.terms_months @> to_jsonb(NEW.term_months)",
        "has_payment": "m.payment_terms @> to_jsonb(NEW.payment_terms::text)",
        "no_moment": "NEW.accepted_at IS NULL",
    }
    prefix = "procur:outside_mandate:"
    refuse = "RAISE EXCEPTION USING MESSAGE = '{}', ERRCODE = 'P0001';"
    quote = str.maketrans({"'": "''"})
    steps = [
        f"SELECT * INTO m FROM mandates named WHERE {NAMED_MANDATE};",
        f"IF NOT FOUND THEN {refuse.format(prefix + NO_MANDATE.translate(quote))} END IF;",
        *(
            f"IF {rule.format(**has)} THEN {refuse.format(prefix + message.translate(quote))} END IF;"
            for message, rule in LIMITS
        ),
        "RETURN NEW;",
    ]
    return " ".join(steps)


def _function(name: str, body: str, declare: str = "") -> str:
    head = f"DECLARE {declare} " if declare else ""
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {head}BEGIN {body} END $$"


def _trigger(name: str, when: str, call: str) -> str:
    return f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {call}"


def _refusal(kind: str, message: str) -> str:
    quoted = message.replace("'", "''")
    return f"procur_refuse('{kind}', '{quoted}')"


FUNCTIONS = ("procur_touch", "procur_refuse", "procur_offer_mandate")
