"""`python -m sim` is `failsim`."""

from sim.cli import main

if __name__ == "__main__":
    main()
