"""A report in the forms that people and programs read: Markdown, SARIF, HTML, JSON."""
