"""Policy: whether each effect may happen. Cedar over principal, action, resource and context; pure and total."""
