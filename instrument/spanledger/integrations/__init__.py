"""One file per SDK: what to patch and how to read it. Data and pure functions; no OpenTelemetry, no SDK import."""
