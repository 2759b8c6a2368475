"""The emulator's command line: `serve`, `import` and `env`."""
