"""The page of a study: results beside the paper's statements, what they cost and where they are from."""
