"""What every part of the host shares: its errors, settings, clock and storage."""
