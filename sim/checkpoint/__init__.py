"""The checkpoint engine: the code that a run judges, without I/O, clock or simulator."""
