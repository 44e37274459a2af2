"""Extraction: from tokens to receipts. Runs each checkpoint once; decides nothing about where it runs."""
