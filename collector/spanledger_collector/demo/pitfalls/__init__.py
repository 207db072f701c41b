"""Two made-up services with the same features: `leaky-desk` has every pitfall that detectors know, `tidy-desk` none."""
