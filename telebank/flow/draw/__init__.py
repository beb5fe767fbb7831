"""Pictures of the menu trees for people who read no YAML: one page for each sub-flow.

`content` says in words what a node is, `layout` puts the boxes and arrows of a flow on a page, and
`svg` writes one; `telebank.reports.flow_pages` prints the same pages as PDF.
"""
