"""A worked plugin: an op with its words and rules, a backend, a lint rule, a recipe and a reader."""
