"""What the Functions host loads."""

from adf_trigger.functions.app import create_app

app = create_app()
