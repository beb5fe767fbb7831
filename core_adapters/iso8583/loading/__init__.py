"""Reading a profile, a module for each part of the file."""
