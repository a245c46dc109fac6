"""Create the database, the organisation, its people, and fill the catalogue."""

from pathlib import Path
from typing import Any

from procur.cli.workspace import Workspace
from procur.core.errors import Conflict, InvalidInput
from procur.db import init_db, migrate, roles
from procur.db.base import SCHEMA_VERSION
from procur.db.models import VendorProfileRecord
from procur.db.repositories import UserRepository, VendorRepository
from procur.identity.service import add_user, own_organization, set_up_organization
from procur.vendors.catalogue import ATTRIBUTION, ImportReport, read_demo_catalogue, read_file
from procur.vendors.enrichment.profile import marks_of
from procur.vendors.service import change_vendor, confirm_prices, import_vendors, record_evidence
from procur.vendors.vocabulary import Vocabulary, load_for


def vocabulary_of(workspace: Workspace) -> Vocabulary:
    """Return the words Procur knows, with the user's own file on top where the folder has one."""
    return load_for(workspace.home)


def create_database(
    workspace: Workspace,
    *,
    name: str,
    email: str,
    full_name: str,
    country: str | None,
    billing_email: str | None,
    address: tuple[str, ...],
    tax_id: str | None,
) -> dict[str, Any]:
    """Create (or upgrade) the database and set up the organisation with its first person."""
    workspace.home.mkdir(parents=True, exist_ok=True)
    config = workspace.config
    workspace.use(init_db(config, create_tables=True, ids=workspace.ids, clock=workspace.clock))
    with workspace.session() as session:
        if UserRepository(session).count():
            raise Conflict(
                "This database is set up already",
                hint="add people with `procur users add`; change the company with `procur company`",
            )
        organization = set_up_organization(
            session,
            name=name,
            now=workspace.clock.now(),
            country=country,
            billing_email=billing_email or email,
            company={key: value for key, value in (("address", list(address)), ("tax_id", tax_id)) if value},
        )
        owner = add_user(
            session,
            None,
            organization,
            email=email,
            full_name=full_name,
            role="owner",
            now=workspace.clock.now(),
        )
        return {
            "database": workspace.database.config.printable_url,
            "documents": workspace.store.location("").rstrip("/"),
            "organization": organization.name,
            "owner": owner.email,
        }


def upgrade_database(workspace: Workspace) -> dict[str, Any]:
    """Migrate an existing database; nothing is created where there is none."""
    database = workspace.connect()
    before = migrate.current(database.engine)
    database.create_all_tables()
    return {"database": database.config.printable_url, "before": before, "version": SCHEMA_VERSION}


def schema_version(workspace: Workspace) -> dict[str, Any]:
    """Return which schema the database has and which one is needed."""
    database = workspace.connect()
    found = migrate.current(database.engine)
    told = {"database": database.config.printable_url, "version": found, "needed": SCHEMA_VERSION}
    return told | {"walls": _walls(roles.standing(database.engine))}


def _walls(standing: roles.Standing | None) -> str:
    if standing is None:
        return "in the session; SQLite has none of its own, protect the file"
    if standing.bypasses_walls:
        return f"NOT in force: the role {standing.role} passes row-level security; run `procur db roles`"
    if standing.owns_tables:
        return (
            f"in force, but {standing.role} owns the tables and could take them down; run `procur db roles`"
        )
    return f"in force for the role {standing.role}"


def make_role(workspace: Workspace, role: str, password: str | None) -> dict[str, Any]:
    """Make the role that Procur runs as, or mend its rights."""
    database = workspace.database
    done = roles.create(database.engine, role, password)
    return {"role": role, "url": _address(database.config.sqlalchemy_url, role, password), "statements": done}


def _address(url: Any, role: str, password: str | None) -> str:
    """Return the address by which the role connects: never with a password, the owner's least of all."""
    sample = "PASSWORD" if password else None
    own = url.create(url.drivername, role, sample, url.host, url.port, url.database, url.query)
    address: str = own.render_as_string(hide_password=False)
    return address


def role_script(workspace: Workspace, role: str) -> dict[str, Any]:
    """Return the SQL that would make the role."""
    return {"role": role, "statements": roles.script(workspace.database.engine, role)}


def change_company(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    """Change what the organisation is called and where it is; without a change, only tell."""
    with workspace.session() as session:
        person = workspace.actor(session, "company.read")
        found = own_organization(session)
        company = {**found.settings.get("company", {})}
        for key in ("address", "tax_id"):
            if changes.get(key):
                company[key] = list(changes[key]) if key == "address" else changes[key]
        if any(changes.values()):
            set_up_organization(
                session,
                person,
                name=changes.get("name") or found.name,
                now=workspace.clock.now(),
                country=changes.get("country"),
                billing_email=changes.get("billing_email"),
                company=company,
            )
        return {
            "organization": found.name,
            "country": found.country,
            "billing_email": found.billing_email,
            "company": dict(found.settings.get("company", {})),
        }


def add_person(
    workspace: Workspace, *, email: str, full_name: str, role: str, vendor_id: str | None = None
) -> dict[str, Any]:
    """Add a person to the organisation."""
    with workspace.session() as session:
        person = workspace.actor(session, "user.write")
        if vendor_id is not None:
            VendorRepository(session).named(vendor_id)
        user = add_user(
            session,
            person,
            own_organization(session),
            email=email,
            full_name=full_name,
            role=role,
            now=workspace.clock.now(),
            vendor_id=vendor_id,
        )
        return {"email": user.email, "name": user.full_name, "role": user.role, "vendor": vendor_id}


def list_people(workspace: Workspace) -> dict[str, Any]:
    """Return everybody in the organisation."""
    with workspace.session() as session:
        workspace.actor(session, "user.read")
        people = UserRepository(session).get_all(limit=1000)
        return {
            "people": [
                {
                    "email": user.email,
                    "name": user.full_name,
                    "role": user.role,
                    "vendor": user.preferences.get("vendor_id"),
                    "active": user.is_active,
                }
                for user in people
            ]
        }


def import_catalogue(
    workspace: Workspace, path: Path | None, *, skip_bad_rows: bool = False
) -> dict[str, Any]:
    """Import a file, or the packaged list prices when no file is named."""
    workspace.require("vendor.write")
    if path is None:
        vendors = read_demo_catalogue()
        report = ImportReport(vendors, (), len(vendors))
        source, attribution = "packaged SaaS list prices", ATTRIBUTION
    else:
        report, source, attribution = read_file(path, vocabulary_of(workspace)), path.name, None
    with workspace.session() as session:
        counts = import_vendors(
            session,
            workspace.actor(session),
            report,
            source=source,
            now=workspace.clock.now(),
            skip_bad_rows=skip_bad_rows,
        )
    plans = [plan for vendor in report.vendors for plan in vendor.plans]
    return {
        "source": source,
        "attribution": attribution,
        **counts,
        "rows": report.total_rows,
        "plans": len(plans),
        "quote_only_plans": sum(plan.quote_only for plan in plans),
        "rejected_rows": [
            {"line": row.line, "vendor_id": row.vendor_id, "field": row.field, "reason": row.reason}
            for row in report.rejected
        ],
        "warnings": list(report.warnings),
    }


def list_vendors(
    workspace: Workspace, *, category: str | None, search: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Return a page of vendors, or those whose name contains a word."""
    with workspace.session() as session:
        workspace.actor(session, "vendor.read")
        repository = VendorRepository(session)
        if search:
            rows, following = repository.search(search, limit=limit), None
        else:
            filters: dict[str, Any] = {"category": category} if category else {}
            page = repository.page(limit=limit, cursor=cursor, **filters)
            rows, following = list(page.rows), page.next_cursor
        return {
            "vendors": [_vendor_line(row) for row in rows],
            "total": repository.count(),
            "next_cursor": following,
        }


def show_vendor(workspace: Workspace, vendor_id: str) -> dict[str, Any]:
    """Return everything that is known of a vendor."""
    with workspace.session() as session:
        workspace.actor(session, "vendor.read")
        repository = VendorRepository(session)
        row = repository.named(vendor_id)
        evidence = repository.evidence_for([row.id])[row.id]
        return {
            **_vendor_line(row),
            "website": row.website,
            "contact_email": row.contact_email,
            "country": row.country,
            "plans": list(row.price_tiers.get("plans", [])),
            "source": row.data_source,
            "captured_on": row.vendor_metadata.get("captured_on"),
            "unconfirmed_prices_from": marks_of(row).get("plans"),
            "confidence": row.confidence_score,
            "last_enriched_at": row.last_enriched_at,
            "price_history": list(row.vendor_metadata.get("price_history", [])),
            "evidence": [
                {
                    "framework": each.framework,
                    "kind": each.kind,
                    "source": each.source,
                    "valid_until": each.valid_until,
                }
                for each in evidence
            ],
        }


def add_evidence(workspace: Workspace, **told: Any) -> dict[str, Any]:
    """Record evidence for a vendor's compliance."""
    with workspace.session() as session:
        person = workspace.actor(session, "evidence.write")
        vendor = record_evidence(
            session,
            person,
            vocabulary_of(workspace),
            now=workspace.clock.now(),
            **told,
        )
        return {"vendor": vendor.vendor_id, **told}


def update_vendor(workspace: Workspace, vendor_id: str, **changes: Any) -> dict[str, Any]:
    """Change what is known of a vendor."""
    workspace.require("vendor.write")
    if not changes:
        raise InvalidInput("nothing to change", field="options", hint="procur vendors change --help")
    with workspace.session() as session:
        person = workspace.actor(session, "vendor.write")
        row = change_vendor(session, person, vendor_id=vendor_id, now=workspace.clock.now(), **changes)
        return {"vendor": row.vendor_id, "changed": changes}


def confirm_vendor_prices(workspace: Workspace, vendor_id: str) -> dict[str, Any]:
    """Take over the prices that were read from a page as a person's own word."""
    workspace.require("vendor.write")
    with workspace.session() as session:
        person = workspace.actor(session, "vendor.write")
        row, source = confirm_prices(session, person, vendor_id=vendor_id, now=workspace.clock.now())
        return {**_vendor_line(row), "prices_from": source}


def _vendor_line(row: VendorProfileRecord) -> dict[str, Any]:
    return {
        "vendor_id": row.vendor_id,
        "name": row.name,
        "category": row.category,
        "currency": row.currency,
        "list_price": row.list_price,
    }
