"""A mock endpoint with OpenAI's protocol: deterministic texts, a given latency, and faults on purpose."""
