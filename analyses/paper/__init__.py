"""The paper's statements (Merchant et al. 2020) and what a study says to each. Rows in, findings out."""
