"""Messages about the products: field by field what the products know."""
