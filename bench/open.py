"""`python -m bench.open`: what it costs to open a widget; see `bench/page/open.py`."""

from bench.page.open import main

if __name__ == "__main__":
    main()
