"""The model behind one small protocol, and everything that can stand in for it."""
