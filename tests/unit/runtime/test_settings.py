"""Settings: precedence, unknown keys, secrets."""

import os
import re
from pathlib import Path

import pytest

from duro.kit.gcra import Rate
from duro.kit.limits import LimitClass
from duro.runtime.limiting import limits_of
from duro.settings import LimitSettings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("DURO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str) -> None:
    Path("duro.toml").write_text(text, encoding="utf-8")


def source_of(key: str, **flags: object) -> tuple[str, str]:
    loaded = load_settings(flags=flags)
    return next((row.value, row.source) for row in loaded.shown() if row.key == key)


def test_defaults_hold_without_file_and_environment() -> None:
    settings = load_settings().settings

    assert (settings.public.port, settings.core.port, settings.health.port) == (8080, 8081, 8082)
    assert settings.core.host == settings.health.host == "127.0.0.1"
    assert settings.data_dir == Path(".duro")


def test_flags_win_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[public]\nport = 1001\n[core]\nport = 1002\n[health]\nport = 1003\n")
    monkeypatch.setenv("DURO_CORE__PORT", "2002")
    monkeypatch.setenv("DURO_HEALTH__PORT", "2003")

    loaded = load_settings(flags={"health.port": 3003, "public.port": None})

    settings = loaded.settings
    assert (settings.public.port, settings.core.port, settings.health.port) == (1001, 2002, 3003)
    assert loaded.sources["public.port"] == "duro.toml"
    assert loaded.sources["core.port"] == "environment"
    assert loaded.sources["health.port"] == "flag"


def test_named_aliases_set_urls_and_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURO_DATABASE_URL", "postgresql://db")
    monkeypatch.setenv("DURO_REDIS_URL", "unix:///run/redis.sock")
    monkeypatch.setenv("DURO_DATA_DIR", "/var/lib/duro")

    settings = load_settings().settings

    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://db"
    assert settings.redis.url is not None
    assert settings.redis.url.get_secret_value() == "unix:///run/redis.sock"
    assert settings.data_dir == Path("/var/lib/duro")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[public]\nprot = 1\n", "public.port"),
        ("[pubic]\nport = 1\n", "public.port"),
        ("data_dri = 'x'\n", "data_dir"),
    ],
)
def test_unknown_key_in_the_file_is_refused_with_a_suggestion(text: str, hint: str) -> None:
    write(text)

    with pytest.raises(SettingsError, match=f"not a setting.*did you mean {hint}"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("DURO_PUBLIC__PROT", "DURO_PUBLIC__PORT"), ("DURO_DATABSE_URL", "DURO_DATABASE_URL")],
)
def test_unknown_variable_is_refused_with_a_suggestion(
    monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(SettingsError, match=f"{name}.*did you mean {hint}"):
        load_settings()


def test_wrong_value_names_its_key_and_source_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DURO_REDIS_URL", "http://user:planted@host")

    with pytest.raises(SettingsError, match=r"redis\.url \(environment\)") as caught:
        load_settings()

    assert "planted" not in str(caught.value)


def test_port_out_of_range_is_refused() -> None:
    write("[public]\nport = 70000\n")

    with pytest.raises(SettingsError, match=r"public\.port \(duro\.toml\)"):
        load_settings()


def test_secrets_are_shown_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURO_DATABASE_URL", "postgresql://user:planted@host/db")
    monkeypatch.setenv("DURO_SECURITY__MASTER_KEY", "planted")

    loaded = load_settings()

    assert "planted" not in repr(loaded)
    assert "planted" not in "".join(row.value for row in loaded.shown())
    assert source_of("database.url") == ("(set, hidden)", "environment")


def test_networks_come_from_a_list_in_the_file_and_from_commas_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[public]\ntrusted_proxies = ["10.0.0.0/8"]\n')
    from_file = load_settings().settings.public.trusted_proxies
    monkeypatch.setenv("DURO_PUBLIC__TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    from_environment = load_settings().settings.public.trusted_proxies

    assert [str(network) for network in from_file] == ["10.0.0.0/8"]
    assert [str(network) for network in from_environment] == ["10.0.0.0/8", "::1/128"]


def test_settings_cannot_be_changed() -> None:
    settings = load_settings().settings

    with pytest.raises(ValueError, match="frozen"):
        setattr(settings.public, "port", 1)  # noqa: B010 - the refusal is what is tested


def test_every_key_of_the_documented_file_is_a_setting() -> None:
    documented = Path(__file__).parents[3] / "duro.toml"
    text = documented.read_text(encoding="utf-8")
    write("\n".join(re.findall(r"^# (\[\w+\]|\w+ = .+)$", text, re.MULTILINE)))

    loaded = load_settings()

    assert loaded.settings.worker.concurrency == 8
    assert "public.trusted_proxies" in loaded.sources


def test_limits_are_ten_times_wider_for_developing_where_nobody_has_chosen() -> None:
    eased = LimitSettings(key_per_s=7).eased()

    assert (eased.key_per_s, eased.key_burst) == (7, 10_000)
    assert (eased.ip_per_s, eased.ip_burst) == (200, 600)
    assert (eased.auth_per_s, eased.money_per_s) == (50, None)


def test_a_class_of_operations_has_a_limit_of_its_own_only_when_it_is_chosen() -> None:
    plain = limits_of(LimitSettings())
    chosen = limits_of(LimitSettings(money_per_s=50, money_burst=100))

    assert plain.key == Rate("key", 1000, 5_000)
    assert plain.address == Rate("ip", 60, 50_000)
    assert plain.classes == {
        LimitClass.AUTH: Rate("auth", 20, 200_000),
        LimitClass.PAY: Rate("pay", 20, 500_000),
        LimitClass.SEND: Rate("send", 20, 10_000_000),
    }
    assert chosen.classes[LimitClass.MONEY] == Rate("money", 100, 20_000)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many"])
def test_a_limit_that_admits_nobody_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DURO_LIMITS__KEY_PER_S", value)

    with pytest.raises(SettingsError, match=r"limits\.key_per_s"):
        load_settings()
