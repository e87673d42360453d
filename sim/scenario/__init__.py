"""The scenario language: YAML and typed commands in, plain data out."""
