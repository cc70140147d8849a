"""The layer names of the networks of other libraries."""
