"""What must outlast the program: the queue and its texts, in SQLite. Qt-free."""
