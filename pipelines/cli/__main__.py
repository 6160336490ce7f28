"""`python -m pipelines.cli`, for where no script is on the path."""

from pipelines.cli import main

main()
