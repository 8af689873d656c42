"""What `scripts/bench` measures: one module for each subject, and the few parts they share."""
