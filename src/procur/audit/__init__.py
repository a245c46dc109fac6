"""The trail: what was done, by whom, provably unchanged."""

from procur.audit.logger import AuditLogger, get_audit_logger

__all__ = ["AuditLogger", "get_audit_logger"]
