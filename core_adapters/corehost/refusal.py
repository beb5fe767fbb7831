"""Why the bank says no. The table `counter.CODES` gives each a response code."""

from enum import Enum


class Refusal(Enum):
    """A refusal changes nothing."""

    BAD_CARD = "no such card"
    HOT_CARD = "the card was reported lost"
    NO_ACCOUNT = "the card has no account, or none of that kind or number"
    CLOSED = "the account is closed"
    BAD_PAYEE = "no such payee, or the payer himself"
    BAD_AMOUNT = "not an amount, or not the quoted one"
    WRONG_CURRENCY = "the account has another currency"
    INSUFFICIENT = "not enough money for amount and fee"
    OVER_LIMIT = "above the limit for one transfer or for the day"
    BAD_QUOTE = "no such quote, used before, of other terms, or overtaken by another order"
    EXPIRED_QUOTE = "the quote has expired"
    NOT_MATCHED = "card and identity digits do not match"
    BAD_TERM = "that kind of deposit has no such term"
    NOT_ON_SALE = "no such issue of bonds is sold today"
    NOT_DUE = "the deposit may not be drawn now, or not in part"
    BAD_NUMBER = "the biller has no customer of that number"
    NOTHING_OWED = "nothing is owed"
    NOTHING_FOUND = "there is nothing to tell"
    MARKET_CLOSED = "the market is closed"
    NO_PAIR = "no such pair of currencies"
    BAD_RATE = "the market is at that rate, or too far from it"
    NO_ORDER = "no such order is open"
    NOTHING_TO_MERGE = "there are not two deposits to merge"
    NOT_PERMITTED = "only for companies, and the card is a person's"
    NO_SUCH_SERVICE = "the bank has no such thing"
