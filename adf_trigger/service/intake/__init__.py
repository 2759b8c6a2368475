"""From a message or an event to a request; rejected messages, kept and sent again."""
