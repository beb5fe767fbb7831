"""What auditors read: requests searched for, one told from its first key to its proof, and what is
unusual. Read beside the node's writer, masked; plain data."""
