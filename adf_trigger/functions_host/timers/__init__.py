"""Timer triggers: NCRONTAB schedules, the singleton lock, the schedule's status in storage."""
