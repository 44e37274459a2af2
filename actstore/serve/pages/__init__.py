"""The pages: the catalog, results, a sentence explorer and an SQL box, made on the server, no build step."""
