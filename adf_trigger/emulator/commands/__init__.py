"""The emulator's command line: `serve`, and `import` of a factory that exists elsewhere."""
