"""Other programs' Whisper models to ggml `.bin` and GGUF, in any type that is written; and the check of a file."""
