"""The same functions on one machine: the command, the local server, the folder watcher."""
