"""`python -m duro` is the `duro` command."""

from duro.cli import main

if __name__ == "__main__":
    main()
