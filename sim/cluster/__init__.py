"""MSCS without a clock: plans, state as frozen data, and operations as generators of effects."""
