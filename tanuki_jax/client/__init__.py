"""One asynchronous client for model endpoints that speak OpenAI's protocol, and a mock endpoint to rehearse with."""
