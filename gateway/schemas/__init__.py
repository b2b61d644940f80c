"""The JSON that clients send and receive: bodies are checked by these models, answers only documented by them."""
