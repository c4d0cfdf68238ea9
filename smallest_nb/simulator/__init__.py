"""A local server that speaks the service's wire protocol, with real speech and real recognition."""

from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.server import Simulator

__all__ = ["Behaviour", "Simulator"]
