"""`python -m procur` is the `procur` command."""

from procur.cli import main

if __name__ == "__main__":
    main()
