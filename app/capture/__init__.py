"""What is heard: microphones. Qt-free."""
