"""An offline server that behaves like the portrait service: its semantics, errors, quotas, reviews and validations."""
