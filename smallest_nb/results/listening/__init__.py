"""Listening tests: plans, answers, statistics and what they say. A page or a server only asks the questions."""

from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.study import Study

__all__ = ["ListeningResults", "Study"]
