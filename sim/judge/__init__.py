"""The judge: reads a history, and only a history, and says what became of every write, why, and what to do."""
