"""Statements on paper: documents, page images, UDPTL and T.30 terminals."""
