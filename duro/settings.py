"""The settings of an installation: one frozen tree from `duro.toml`, the environment and flags."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as UnreadableSettingsError
from typing_extensions import override

Port: TypeAlias = Annotated[int, Field(ge=0, le=65535)]
Network: TypeAlias = IPv4Network | IPv6Network
PerSecond: TypeAlias = Annotated[int, Field(ge=1, le=100_000)]
PerMinute: TypeAlias = Annotated[int, Field(ge=1, le=6_000_000)]
Burst: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
Tree: TypeAlias = dict[str, Any]

FILE: Final = Path("duro.toml")
# Names that read better than DURO_SECTION__KEY.
_ALIASES: Final = {"DURO_DATABASE_URL": "database.url", "DURO_REDIS_URL": "redis.url"}
_PREFIX: Final = "DURO_"
# Switches of the test suite, the benchmarks and `./run`, not settings.
_FOREIGN: Final = ("DURO_TEST_", "DURO_BENCH_", "DURO_PYTHON")
_HIDDEN: Final = "(set, hidden)"
_EASE: Final = 10


class SettingsError(Exception):
    """The settings cannot be used; the message names each key, where it is set, and what to do."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    url: SecretStr | None = None


class RedisSettings(_Section):
    url: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _has_a_known_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("begins with redis://, rediss:// or unix://")
        return url


def _web_address(url: str | None) -> str | None:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("begins with http:// or https://")
    return url.rstrip("/") if url else None


WebAddress: TypeAlias = Annotated[str | None, AfterValidator(_web_address)]


class PublicSettings(_Section):
    host: str | None = None
    port: Port = 8080
    url: WebAddress = None
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value


class CoreSettings(_Section):
    host: str = "127.0.0.1"
    port: Port = 8081
    url: WebAddress = None


class HealthSettings(_Section):
    host: str = "127.0.0.1"
    port: Port = 8082


class SecuritySettings(_Section):
    master_key: SecretStr | None = None


class GatewaySettings(_Section):
    live: None = None


class LimitSettings(_Section):
    """Requests a second that one may keep up, and how many at once; one class of operations may be held lower."""

    key_per_s: PerSecond = 200
    key_burst: Burst = 1000
    ip_per_s: PerSecond = 20
    ip_burst: Burst = 60
    write_per_s: PerSecond | None = None
    write_burst: Burst = 1000
    money_per_s: PerSecond | None = None
    money_burst: Burst = 1000
    auth_per_s: PerSecond = 5
    auth_burst: Burst = 20
    pay_per_s: PerSecond = 2
    pay_burst: Burst = 20
    send_per_minute: PerMinute = 6
    send_burst: Burst = 20

    def eased(self) -> Self:
        """Ten times what nobody has chosen, for developing and tests."""
        eased = {
            name: _EASE * value
            for name, value in self
            if value is not None and name not in self.model_fields_set
        }
        return self.model_copy(update=eased)


class WorkerSettings(_Section):
    concurrency: int = Field(default=8, ge=1, le=100)
    drain_s: int = Field(default=10, ge=1, le=20)
    queue_jobs_max: int = Field(default=10_000, ge=100)


class LogSettings(_Section):
    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class WebhookSettings(_Section):
    allow_loopback: bool = False


class MailSettings(_Section):
    """Where e-mail is handed in, and whose address it comes from; `catch` gives all messages to an inbox instead."""

    url: SecretStr | None = None
    sender: str | None = None
    catch: bool = False


class WhatsAppSettings(_Section):
    token: SecretStr | None = None
    phone_number_id: str | None = None
    app_secret: SecretStr | None = None
    verify_token: SecretStr | None = None
    base_url: str = "https://graph.facebook.com/v21.0"

    @field_validator("base_url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("begins with http:// or https://")
        return url.rstrip("/")

    @field_validator("phone_number_id")
    @classmethod
    def _is_a_number(cls, given: str | None) -> str | None:
        if given is not None and not (given.isascii() and given.isalnum()):
            raise ValueError("is the number's id at WhatsApp: digits alone")
        return given


class Settings(BaseSettings):
    """Everything an operator can choose; read once, by the command, and handed down."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__"
    )

    data_dir: Path = Path(".duro")
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    public: PublicSettings = PublicSettings()
    core: CoreSettings = CoreSettings()
    health: HealthSettings = HealthSettings()
    security: SecuritySettings = SecuritySettings()
    gateway: GatewaySettings = GatewaySettings()
    limits: LimitSettings = LimitSettings()
    worker: WorkerSettings = WorkerSettings()
    log: LogSettings = LogSettings()
    webhooks: WebhookSettings = WebhookSettings()
    mail: MailSettings = MailSettings()
    whatsapp: WhatsAppSettings = WhatsAppSettings()

    @property
    def has_channel(self) -> bool:
        """Whether messages can leave."""
        return self.mail.url is not None or self.whatsapp.token is not None

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` reads the sources one by one, to know which value came from where.
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as a person may see it."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each key that was set, by what."""

    settings: Settings
    sources: Mapping[str, str]

    def shown(self) -> list[Shown]:
        """Every key with its value and source; secrets are masked."""
        return [
            Shown(key, _visible(value), self.sources.get(key, "default"))
            for key, value in _flat(_values(self.settings))
        ]


def load_settings(*, flags: Mapping[str, Any] | None = None, file: Path = FILE) -> Loaded:
    """Flags (dotted keys; None is not set) over the environment over the file over the defaults."""
    layers = [
        (str(file), _read_file(file)),
        ("environment", _read_environment()),
        (
            "flag",
            _nested({key: value for key, value in (flags or {}).items() if value is not None}),
        ),
    ]
    tree: Tree = {}
    sources: dict[str, str] = {}
    for name, layer in layers:
        _merge(tree, layer)
        sources.update((key, name) for key, _ in _flat(layer))
    try:
        return Loaded(Settings(**tree), sources)
    except ValidationError as error:
        raise SettingsError(_explain(error, sources)) from error


def _read_file(file: Path) -> Tree:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _read_environment() -> Tree:
    # An empty variable is one that is not set, as in a compose file.
    names = {name for name, value in os.environ.items() if value and name.startswith(_PREFIX)}
    known = {_variable(key) for key in _KEYS}
    for name in sorted(names - known - _ALIASES.keys()):
        if not name.startswith(_FOREIGN):
            near = _nearest(name, [*known, *_ALIASES])
            raise SettingsError(f"{name} (environment) is not a setting{near}")
    try:
        tree: Tree = EnvSettingsSource(Settings, env_ignore_empty=True)()
    except UnreadableSettingsError as error:
        raise SettingsError(f"environment: {error}") from error
    aliases = {key: os.environ[name] for name, key in _ALIASES.items() if name in names}
    _merge(tree, _nested(aliases))
    return tree


def _merge(tree: Tree, layer: Tree) -> None:
    for key, value in layer.items():
        below = tree.get(key)
        if isinstance(value, dict):
            tree[key] = merged = dict(below) if isinstance(below, dict) else {}
            _merge(merged, value)
        else:
            tree[key] = value


def _nested(flat: Mapping[str, Any]) -> Tree:
    tree: Tree = {}
    for key, value in flat.items():
        section, _, name = key.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[name] = value
    return tree


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _values(settings: BaseModel) -> Tree:
    found = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {k: _values(v) if isinstance(v, BaseModel) else v for k, v in found.items()}


def _visible(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return _HIDDEN
        case tuple():
            return ", ".join(map(str, value))
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _variable(key: str) -> str:
    return _PREFIX + key.replace(".", "__").upper()


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else "; `duro config show` lists them all"


def _explain(error: ValidationError, sources: Mapping[str, str]) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in fault["loc"] if isinstance(part, str))
        # An unknown section is refused as a whole; what was meant is easier to tell from a key in it.
        key = next((k for k in sources if k == key or k.startswith(f"{key}.")), key)
        where = f"{key} ({sources[key]})" if key in sources else key
        if fault["type"] == "extra_forbidden":
            lines.append(f"{where} is not a setting{_nearest(key, _KEYS)}")
        else:
            lines.append(f"{where}: {fault['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


_KEYS: Final = [key for key, _ in _flat(_values(Settings()))]
