"""Histories: typed events, their JSON lines, the provenance ledger, and the words of verdicts."""
