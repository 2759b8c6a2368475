"""The local Functions host: runs a Python v2 function app as the Azure Functions host v4 does.

HTTP triggers with routes, keys and limits; queue triggers with leases, dequeue counts, back-off and poison;
timer triggers with NCRONTAB, the singleton lock and catching up. It imports the app only through its
function_app.py, and is independent of any particular app.

It exports nothing here: code that starts it as a process needs only the names of its settings, not its dependencies.
"""
