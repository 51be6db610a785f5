"""`duro doctor`: looks whether an installation is in order."""

from duro.cli.frame import AsJson, DataDir, Exit, run, say


def doctor(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check that everything can be reached and is set up as it must be."""
    import typer

    from duro.cli.output import show_rows
    from duro.runtime.doctor import examine
    from duro.runtime.target import find_settings

    async def main() -> bool:
        findings = await examine(find_settings(data_dir))
        rows = [
            {"check": each.name, "result": "ok" if each.is_ok else "FAILED", "finding": each.said}
            for each in findings
        ]
        show_rows(rows, as_json=as_json, empty="")
        return all(each.is_ok for each in findings)

    if not run(main):
        say("Something is not in order; see above.")
        raise typer.Exit(Exit.FAILED)
