"""`python -m bench.press`: from a press to the first sample that is heard; see `bench/page/press.py`."""

from bench.page.press import main

if __name__ == "__main__":
    main()
