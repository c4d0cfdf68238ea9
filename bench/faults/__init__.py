"""A table of faults, done to every client: what each loses, how long it hangs, what it leaves behind."""
