"""Corpus formats: files in, examples out, one file a format. Knows no store, no tokenizer and no model."""
