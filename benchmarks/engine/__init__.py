"""What `bench_engine` measures, one file per question; each is a function that yields tables."""
