"""What the Functions host loads: the settings in, the app out."""

from adf_trigger.functions.app import create_app
from adf_trigger.settings import Settings

app = create_app(Settings.from_env())
