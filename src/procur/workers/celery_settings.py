"""Where Celery finds its Redis: off until somebody says so."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from procur.core.errors import NotConfigured
from procur.core.settings import Settings

BROKER_URL = "PROCUR_CELERY_BROKER_URL"


class CelerySettings(Settings):
    """PROCUR_CELERY_BROKER_URL: redis://… ; PROCUR_CELERY_PREFIX: what every key there begins with."""

    model_config = SettingsConfigDict(env_prefix="PROCUR_CELERY_", extra="ignore")

    broker_url: str | None = None
    prefix: str = Field("procur:", max_length=60, pattern=r"^[A-Za-z0-9_.:-]*$")


def broker_url(settings: CelerySettings) -> str:
    """Return the broker's address; NotConfigured when nobody has named one."""
    if not settings.broker_url:
        raise NotConfigured(
            "Celery has no broker", hint=f"set {BROKER_URL}=redis://host:6379/0 (docs: scale out with Celery)"
        )
    return settings.broker_url
