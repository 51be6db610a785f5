"""`duro config show`."""

from duro.cli.frame import AsJson, Exit, finish, new_group, with_example

app = new_group(example="duro config show", text="The settings of this installation.")


@with_example(app, "show", "duro config show")
def show(*, as_json: AsJson = False) -> None:
    """Every setting, its value, and where it came from; secrets are masked."""
    from duro.cli.output import show_rows
    from duro.settings import SettingsError, load_settings

    try:
        loaded = load_settings()
    except SettingsError as error:
        raise finish(Exit.USAGE, str(error)) from error
    rows = [{"key": row.key, "value": row.value, "source": row.source} for row in loaded.shown()]
    show_rows(rows, as_json=as_json, empty="")


@app.callback()
def _group() -> None:
    """The settings of this installation."""
