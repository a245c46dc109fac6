"""Policies and decisions."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from procur.core.errors import InvalidInput, NotAllowed
from procur.db import tenancy
from procur.db.models import ApprovalRecord, PolicyConfigRecord
from procur.db.repositories.base import Key, Repository


class PolicyRepository(Repository[PolicyConfigRecord]):
    """What the company allows, in versions."""

    model = PolicyConfigRecord

    def active(self, policy_type: str | None = None) -> list[PolicyConfigRecord]:
        """Return the policies in force, most important first."""
        statement = select(PolicyConfigRecord).where(PolicyConfigRecord.is_active.is_(True))
        if policy_type is not None:
            statement = statement.where(PolicyConfigRecord.policy_type == policy_type)
        order = (
            PolicyConfigRecord.priority.desc(),
            PolicyConfigRecord.policy_name,
            PolicyConfigRecord.version.desc(),
        )
        return self._all(statement.order_by(*order))

    def get_active_policy(self, policy_name: str) -> PolicyConfigRecord | None:
        """Return the version in force of one policy, or None."""
        versions = [row for row in self.history(policy_name) if row.is_active]
        return versions[-1] if versions else None

    def history(self, policy_name: str) -> list[PolicyConfigRecord]:
        """Return every version of a policy, oldest first."""
        statement = select(PolicyConfigRecord).where(*self._equal({"policy_name": policy_name}))
        return self._all(statement.order_by(PolicyConfigRecord.version))

    def new_version(self, policy_name: str, **values: Any) -> PolicyConfigRecord:
        """Put a new version in force in place of the older ones, which stay readable."""
        newest = select(func.max(PolicyConfigRecord.version)).where(
            *self._equal({"policy_name": policy_name})
        )
        # Deleted versions keep their number.
        found = self.session.execute(newest, execution_options={"include_deleted": True}).scalar()
        for row in self.history(policy_name):
            row.is_active = False
        self.session.flush()
        return self.create(policy_name=policy_name, version=(found or 0) + 1, **values)

    def deactivate(self, policy_name: str) -> int:
        """Take a policy out of force; return how many versions were in force."""
        statement = (
            update(PolicyConfigRecord)
            .where(*self._equal({"policy_name": policy_name}), PolicyConfigRecord.is_active.is_(True))
            .values(is_active=False)
            .execution_options(synchronize_session="fetch")
        )
        done: Any = self.session.execute(statement)
        return int(done.rowcount)


class ApprovalRepository(Repository[ApprovalRecord]):
    """Decisions asked of people. The database refuses a decision on one's own request."""

    model = ApprovalRecord

    def for_subject(self, subject_type: str, subject_id: str) -> list[ApprovalRecord]:
        """Return the decisions about one thing, in order of their steps."""
        equals = {"subject_type": subject_type, "subject_id": str(subject_id)}
        statement = select(ApprovalRecord).where(*self._equal(equals))
        return self._all(
            statement.order_by(ApprovalRecord.step, ApprovalRecord.created_at, ApprovalRecord.id)
        )

    def pending(self, limit: int = 1000) -> list[ApprovalRecord]:
        """Return every open decision, oldest first."""
        return self.get_all(limit=limit, decision="pending")

    def pending_for(self, *, roles: list[str], person_id: Key, limit: int = 1000) -> list[ApprovalRecord]:
        """Return the open decisions that this person, in these roles, may take, oldest first."""
        person = self._key(person_id)
        record = ApprovalRecord
        statement = (
            select(record)
            .where(
                record.decision == "pending",
                or_(record.required_person_id == person, record.required_person_id.is_(None)),
                or_(record.required_role.in_(roles), record.required_role.is_(None)),
                or_(record.requester_id != person, record.requester_id.is_(None)),
            )
            .order_by(*self._oldest())
            .limit(limit)
        )
        return self._all(statement)

    def decide(
        self,
        id: Key,  # noqa: A002 - as everywhere
        *,
        decision: str,
        decided_by: UUID,
        reason: str | None = None,
    ) -> ApprovalRecord:
        """Write a decision, once: Conflict when one was taken already."""
        if decision == "pending":
            raise InvalidInput("a decision cannot be pending", field="decision")
        if self.get(id).requester_id == self._key(decided_by):
            raise NotAllowed("nobody may decide on their own request", field="decided_by")
        return self.advance(
            id,
            expected={"decision": "pending"},
            decision=decision,
            decided_by=decided_by,
            decided_at=tenancy.clock_of(self.session).now(),
            reason=reason,
        )
