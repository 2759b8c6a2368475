"""What the Functions host loads."""

import gc

collects = gc.isenabled()
gc.disable()  # importing leaves no garbage, and to look for it meanwhile takes a sixth of the time
try:
    from adf_trigger.functions.app import create_app

    app = create_app()
finally:
    if collects:
        gc.enable()
gc.freeze()  # what was imported stays: no later collection looks at it
