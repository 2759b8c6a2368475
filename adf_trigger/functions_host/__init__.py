"""The local Functions host: runs a Python v2 function app as the Azure Functions host v4 does.

HTTP triggers with routes, keys and limits; queue triggers with leases, dequeue counts, back-off and poison;
timer triggers with NCRONTAB, the singleton lock and catching up. It imports nothing of the app it runs but
through its function_app.py, and knows no app in particular.

It exports nothing here: who starts it as a process wants the names of its settings alone, and not all that it runs on.
"""
