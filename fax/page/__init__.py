"""Pages of a fax: PDF to 1728-wide images of black and white, Group 4 TIFF, and back to PDF."""
