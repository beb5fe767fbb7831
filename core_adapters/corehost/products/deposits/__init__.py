"""Deposits: sub-accounts of a card, their terms and interest."""
