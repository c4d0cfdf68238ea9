"""What `doctor()` checks: pure results (`report`), one file for each group of checks, and the command.

Imports no widget: if Jupyter itself is broken, the doctor in a terminal must still be able to say so.
"""
