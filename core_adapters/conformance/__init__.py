"""The conformance kit: scenarios from data, run against any adapter and host, judged, reported."""
