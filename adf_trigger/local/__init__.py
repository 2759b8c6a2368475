"""The local stack: everything the trigger service needs of Azure, run for real on one machine.

Never imported by the deployed app, and left out of its package by .funcignore.
"""
