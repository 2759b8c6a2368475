"""The command that works through rejected messages: `python -m adf_trigger.replay`."""
