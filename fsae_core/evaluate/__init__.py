"""What a reconstruction is worth: metrics, and (on top of them) baselines and benchmarks."""
