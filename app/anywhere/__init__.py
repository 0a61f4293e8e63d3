"""Dictation into whatever program has the keyboard: the hotkey, what is said as text, and its way to the cursor."""
