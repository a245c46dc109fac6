"""The documented calls, by name and argument: whoever writes them as documented is understood."""

import importlib
import inspect
from typing import Any

import pytest

from procur import db
from procur.db import repositories
from procur.db.base import columns_of
from procur.db.repositories import Repository

GENERIC = ["create", "get_by_id", "get_all", "update", "delete", "soft_delete", "restore", "count", "exists"]
REPOSITORIES = [
    "UserRepository",
    "RequestRepository",
    "VendorRepository",
    "OfferRepository",
    "ContractRepository",
    "NegotiationRepository",
    "AuditRepository",
    "PolicyRepository",
    "OrganizationRepository",
    "TenderRepository",
    "AnalysisRepository",
    "BidDocumentRepository",
    "ConversationRepository",
    "MessageRepository",
    "ReportRepository",
]
CALLS = [
    "UserRepository.create(organization_id, email, hashed_password, full_name, role)",
    "UserRepository.get_by_id(user_id)",
    "UserRepository.get_by_email(email)",
    "UserRepository.get_by_username(username)",
    "UserRepository.get_by_organization(organization_id)",
    "UserRepository.list_by_organization(org_id)",
    "UserRepository.update_last_login(user_id)",
    "UserRepository.soft_delete(user_id)",
    "NegotiationRepository.increment_round(id)",
    "NegotiationRepository.complete_session(id, outcome, final_offer_id, savings_achieved)",
    "AuditRepository.log_action(action, resource_type, resource_id, actor_type, user_id)",
    "AuditRepository.log_action(action, event_data, ip_address)",
    "AuditRepository.get_by_user(user_id)",
    "AuditRepository.get_by_resource(resource_type, resource_id)",
    "AuditRepository.create_audit_log(user_id, event_type, event_category, severity)",
    "AuditRepository.create_audit_log(event_type, description, extra_metadata)",
    "AuditRepository.get_user_audit_logs(user_id, limit)",
    "AuditRepository.get_logs_by_type(event_type)",
    "OrganizationRepository.create(name, slug, subscription_tier)",
    "OrganizationRepository.get_by_id(org_id)",
    "OrganizationRepository.get_by_slug(slug)",
    "OrganizationRepository.list_active(limit)",
    "OrganizationRepository.update_usage(org_id, increment)",
    "OrganizationRepository.can_analyze(org_id)",
    "OrganizationRepository.soft_delete(org_id)",
    "TenderRepository.create(organization_id, title, description, organization_name, external_id, source)",
    "TenderRepository.get_by_id(tender_id, org_id)",
    "TenderRepository.get_by_external_id(external_id, org_id)",
    "TenderRepository.list_by_organization(org_id, status, limit, offset)",
    "TenderRepository.count_by_organization(org_id, status)",
    "TenderRepository.update_status(tender_id, status, error_message, processing_time)",
    "TenderRepository.soft_delete(tender_id, org_id)",
    "AnalysisRepository.create(tender_id, is_relevant, confidence, filter_categories, filter_reasoning)",
    "AnalysisRepository.get_by_tender_id(tender_id)",
    "AnalysisRepository.update_rating(tender_id, overall_score, strategic_fit, strengths, recommendation)",
    "AnalysisRepository.get_high_score_tenders(org_id, min_score, limit)",
    "BidDocumentRepository.create(tender_id, executive_summary, capabilities, approach, value_proposition)",
    "BidDocumentRepository.get_by_tender_id(tender_id)",
    "ConversationRepository.create_conversation(user_id, title, intent, conversation_id)",
    "ConversationRepository.add_message(conversation_id, role, content, intent, model_used, cost)",
    "ConversationRepository.get_conversation_messages(id, limit)",
    "ConversationRepository.get_conversation_cost(id)",
    "ConversationRepository.search_conversations(user_id, term)",
    "ConversationRepository.get_user_conversations(user_id)",
    "ConversationRepository.update_conversation(id, title, status)",
    "ConversationRepository.delete_conversation(id)",
]
LIBRARY = [
    "procur.db.init_db(create_tables)",
    "procur.db.init_db(database_url, pool_size, max_overflow)",
    "procur.db.get_session()",
    "procur.db.get_db()",
    "procur.db.get_db_session()",
    "procur.db.session_scope()",
    "procur.db.check_db_connection()",
    "procur.db.DatabaseSession.get_session(self)",
    "procur.db.DatabaseSession.session_scope(self)",
    "procur.db.DatabaseSession.create_all_tables(self)",
    "procur.db.DatabaseSession.drop_all_tables(self)",
    "procur.db.DatabaseSession.create_all(self)",
    "procur.db.DatabaseSession.drop_all(self)",
    "procur.db.DatabaseSession.health_check(self)",
    "procur.db.DatabaseSession.close(self)",
    "procur.db.Database(database_url, echo, pool_size, max_overflow, pool_pre_ping, pool_recycle)",
    "procur.db.config.DatabaseConfig(host, port, database, username, password, pool_size, max_overflow)",
    "procur.conversations.ConversationMemory(use_database)",
    "procur.conversations.ConversationMemory.add_message(self, conversation_id, role, content, user_id)",
    "procur.conversations.ConversationMemory.add_message(self, conversation_id, role, content, intent, cost)",
    "procur.conversations.ConversationMemory.get_history(self, conversation_id, from_database)",
    "procur.conversations.ConversationMemory.get_context_summary(self, conversation_id)",
    "procur.conversations.ConversationMemory.clear_conversation(self, conversation_id)",
    "procur.conversations.ConversationMemory.cleanup_old_conversations(self)",
    "procur.audit.AuditLogger(use_database)",
    "procur.audit.AuditLogger.log_event(self, event_type, details, user_id, severity)",
]


def read(call: str) -> tuple[str, list[str]]:
    """Return the name that a documented call has, and the names of its arguments."""
    name, _, arguments = call.rstrip(")").partition("(")
    return name, [argument.strip() for argument in arguments.split(",") if argument.strip()]


def by_name(path: str) -> Any:
    """Return what a dotted name in one of our modules stands for."""
    parts = path.split(".")
    modules = [part for part in parts if part.islower()]
    while True:
        try:
            found: Any = importlib.import_module(".".join(modules))
            break
        except ModuleNotFoundError:
            modules.pop()
    for part in parts[len(modules) :]:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", REPOSITORIES)
def test_every_documented_repository_has_the_common_methods(name: str) -> None:
    repository = getattr(repositories, name)
    assert issubclass(repository, Repository)
    assert [method for method in GENERIC if not callable(getattr(repository, method, None))] == []


@pytest.mark.parametrize("call", CALLS)
def test_every_documented_method_takes_the_documented_arguments(call: str) -> None:
    name, arguments = read(call)
    repository, _, method = name.partition(".")
    signature = inspect.signature(getattr(getattr(repositories, repository), method))
    signature.bind(None, **dict.fromkeys(arguments))
    collected = set(arguments) - set(signature.parameters)
    assert collected <= set(columns_of(getattr(repositories, repository).model))


@pytest.mark.parametrize("call", LIBRARY)
def test_every_documented_function_takes_the_documented_arguments(call: str) -> None:
    name, arguments = read(call)
    inspect.signature(by_name(name)).bind(**dict.fromkeys(arguments))


def test_dependencies_show_no_arguments_to_fastapi() -> None:
    assert not inspect.signature(db.get_session).parameters
    assert not inspect.signature(db.get_db).parameters
