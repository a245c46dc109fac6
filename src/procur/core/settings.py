"""Settings from arguments and the environment; one that does not fit is told by name, never by its value."""

from typing import Any

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from procur.core.errors import InvalidInput


class Settings(BaseSettings):
    """One room's settings: subclasses name their fields and the prefix of their variables.

    InvalidInput says which variable does not fit. Its value is not repeated: it may be a password.
    """

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name, variable = _named(type(self), str(first["loc"][0]) if first["loc"] else "")
            raise InvalidInput(f"{variable}: {first['msg']}", field=name) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments and the environment only."""
        del settings_cls, dotenv_settings, file_secret_settings
        return init_settings, env_settings


def _named(settings: type[BaseSettings], where: str) -> tuple[str, str]:
    """Return the field and the variable that an error is about; it names either a field or an alias."""
    for name, field in settings.model_fields.items():
        aliases = field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else ()
        if where == name or where in aliases:
            prefix = settings.model_config.get("env_prefix", "")
            return name, str(aliases[0]) if aliases else f"{prefix}{name}".upper()
    return where, where
