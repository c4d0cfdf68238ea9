"""Memory: how much more than the sound itself a kernel and a page hold."""
