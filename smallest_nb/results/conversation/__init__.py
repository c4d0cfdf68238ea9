"""What a conversation leaves: its turns as rows, its sound on two channels, and where the time went."""

from smallest_nb.results.conversation.latency import AnswerMetrics
from smallest_nb.results.conversation.record import ConversationRecord
from smallest_nb.results.conversation.turn import ConversationTurn

__all__ = ["AnswerMetrics", "ConversationRecord", "ConversationTurn"]
