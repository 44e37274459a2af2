"""Jobs: one file a command. The only place where analyses, store, models and cluster are wired together."""
