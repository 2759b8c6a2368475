"""The command `adf-trigger`, on click: a group of commands that are functions, with types, help and completion."""
