"""What the site's build adds to the pages in docs/. Used by mkdocs only; no part of the package."""
