"""What a run has come to, in Data Factory's words: the results of its activities, and why some of them failed."""

from adf_trigger.wire import Wire


class ActivityError(Wire):
    """Why an activity failed, in Data Factory's words."""

    activity_name: str
    activity_type: str = ""
    error_code: str = ""
    failure_type: str = ""
    message: str = ""
