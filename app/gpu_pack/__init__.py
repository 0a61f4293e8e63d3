"""What the GPU engine needs beside the program: fetched when the user asks for it, kept in the user's data folder."""
