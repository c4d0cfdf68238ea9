"""`python -m smallest_nb.simulator` is `smallest-nb simulate`."""

from smallest_nb.simulator.command import main

if __name__ == "__main__":
    raise SystemExit(main())
