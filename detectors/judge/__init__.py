"""Language models that judge answers: criteria, prompts, endpoints, verdicts, and what is known of all of them."""
