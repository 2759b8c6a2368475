"""From a message or an event to a request; what is rejected, kept and sent again."""
