"""Child processes of a node: talked to over a socket, ticking each 20 ms, replaced when they die.

`keeper`, `child`: the node's side. `service`, `ticker`, `ports`: the child's. `link`: both.
"""
