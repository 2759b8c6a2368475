"""What the engine and the activity types have agreed on: what an activity is given, what it answers, its limits.

It knows neither of them.
"""
