"""Laws of this folder have no deadline: a busy machine is no failure. All else is as the profile in force says."""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
