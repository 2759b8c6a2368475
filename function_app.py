"""The entry point that the Functions host loads."""

import gc

collects = gc.isenabled()
gc.disable()  # importing leaves no garbage, and collecting meanwhile takes a sixth of the time
try:
    from adf_trigger.functions.app import create_app

    app = create_app()
finally:
    if collects:
        gc.enable()
gc.freeze()  # imported objects stay for good: later collections skip them
