"""The contract between the engine and the activity types: an activity's context, its result and its limits.

It imports neither of them.
"""
