"""Copying data for real, streamed: connectors (blob, REST), formats, and the pipeline that joins them.

A connector or a format is one module here and one line of registration.
"""

# The activity types import this package, and it imports their seam: loaded from here, both come up whole,
# whichever is asked for first.
import adf_trigger.local.factory.engine.activities.base  # noqa: F401 - for the order of loading
