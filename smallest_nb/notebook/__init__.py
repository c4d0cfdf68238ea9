"""What needs Jupyter: widgets, the messages between kernel and page, the doctor, the session."""
