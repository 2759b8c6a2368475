"""What an operator holds, and the notes of it."""
