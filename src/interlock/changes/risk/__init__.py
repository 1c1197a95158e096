"""How risky a change is: measured (`measures`), scored by a model whose terms are shown (`score`)."""
