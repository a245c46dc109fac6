"""Who is in an organisation, and who may change that."""

from typing import Any

import pytest

from factories.house import ALICE, OLGA, House
from procur.cli.steps import setting_up
from procur.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from procur.db.repositories import AuditRepository, UserRepository
from procur.identity.service import actor_for, add_user, own_organization


def people(house: House) -> tuple[int, int]:
    with house.session() as session:
        return UserRepository(session).count(), AuditRepository(session).count()


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("email", {"email": "nonsense"}),
        ("email", {"email": "a b@c.example"}),
        ("name", {"full_name": " "}),
        ("name", {"full_name": "two\nlines"}),
        ("role", {"role": "king"}),
        ("role", {"role": "agent"}),
        ("role", {"role": "system"}),
        ("vendor_id", {"role": "vendor"}),
        ("vendor_id", {"vendor_id": "boards"}),
    ],
)
def test_a_person_without_a_name_an_address_or_a_role_is_refused(
    house: House, field: str, given: dict[str, Any]
) -> None:
    before = people(house)
    told = {"email": "new@acme.example", "full_name": "New", "role": "buyer"} | given
    with pytest.raises(InvalidInput) as error:
        setting_up.add_person(house.as_(OLGA), **told)
    assert error.value.field == field
    assert people(house) == before


def test_an_address_has_one_account_whatever_its_case(house: House) -> None:
    before = people(house)
    with pytest.raises(Conflict) as told:
        house.add(ALICE.upper(), "buyer")
    assert told.value.field == "email"
    assert people(house) == before
    with house.session() as session:
        assert actor_for(session, email=ALICE.upper()).id == ALICE


def test_only_owners_and_admins_add_people(house: House) -> None:
    for who in (ALICE, house.add("ann@acme.example", "approver"), house.add("max@acme.example", "member")):
        with pytest.raises(NotAllowed, match=r"user\.write"):
            setting_up.add_person(house.as_(who), email="n@acme.example", full_name="N", role="owner")
    setting_up.add_person(
        house.as_(house.add("ada@acme.example", "admin")), email="n@acme.example", full_name="N", role="buyer"
    )


def test_nobody_becomes_owner_of_an_organisation_that_has_people(house: House) -> None:
    with house.session() as session, pytest.raises(InvalidInput, match="first person"):
        add_user(
            session, None, own_organization(session), email="x@acme.example", full_name="X", role="owner",
            now=house.workspace.clock.now(),
        )  # fmt: skip


def test_a_vendors_person_signs_for_a_vendor_that_exists(house: House) -> None:
    with pytest.raises(NotFound):
        house.add("x@nobody.example", "vendor", "nobody")
    assert house.add("x@boards.example", "vendor", "boards")


def test_strangers_and_former_people_do_not_act(house: House) -> None:
    with house.session() as session:
        with pytest.raises(NotFound) as told:
            actor_for(session, email="stranger@acme.example")
        assert told.value.field == "as"
        users = UserRepository(session)
        alice = users.get_by_email(ALICE)
        assert alice is not None
        users.update(alice.id, is_active=False)
        with pytest.raises(NotFound):
            actor_for(session, email=ALICE)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("country", {"country": "Germany"}),
        ("billing_email", {"billing_email": "nonsense"}),
        ("name", {"name": " \n"}),
    ],
)
def test_a_company_is_described_by_values_that_an_order_can_carry(
    house: House, field: str, change: dict[str, Any]
) -> None:
    before = people(house)
    with pytest.raises(InvalidInput) as told:
        setting_up.change_company(house.as_(OLGA), **change)
    assert told.value.field == field
    assert people(house) == before


def test_a_change_of_the_company_names_who_made_it_and_a_look_changes_nothing(house: House) -> None:
    before = people(house)
    assert setting_up.change_company(house.alice)["country"] == "US"
    assert people(house) == before
    with pytest.raises(NotAllowed, match=r"user\.write"):
        setting_up.change_company(house.alice, country="DE")
    assert setting_up.change_company(house.as_(OLGA), country="de", address=("2 Road",))["country"] == "DE"
    with house.session() as session:
        last = AuditRepository(session).since(limit=1000)[-1]
    assert (last.action, last.actor_id) == ("organization_set_up", OLGA)
