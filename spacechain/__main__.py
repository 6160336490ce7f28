"""`python -m spacechain`: the command, where its script is not on PATH."""

from pipelines.cli import main

main()
