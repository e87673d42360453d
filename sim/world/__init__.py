"""The SimPy driver: clock, choices, faults, the quorum disk, and the interpreter of effects."""
