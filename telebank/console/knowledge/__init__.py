"""Tellers' articles in the browser: a page of their own and a panel at the desk."""
