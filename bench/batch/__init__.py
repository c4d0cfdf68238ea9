"""Many texts and many recordings: how near to the ideal, at what cost, and what faults cost."""
