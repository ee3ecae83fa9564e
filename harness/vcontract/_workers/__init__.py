"""One run on several processes: who deals the plan out, and who takes a share."""
