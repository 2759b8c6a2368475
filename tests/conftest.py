"""What all tests share."""

from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is; what hangs is ended by the time limit of the whole test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
