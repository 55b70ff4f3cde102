"""A server of models over HTTP, with the protocol of OpenAI."""
