"""The local stack: everything the trigger service needs from Azure, running on one machine.

Never imported by the deployed app, and excluded from its package by .funcignore.
"""
