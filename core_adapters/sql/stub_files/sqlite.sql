-- telebank: ready tables and triggers for SQLite 3.35 or later; tested. For trials and branches
-- without a server: SQLite has no stored procedures, so a call is an INSERT into a view, whose
-- INSTEAD OF trigger does the work, and a SELECT that reads the result; both in one transaction.
--
-- The same three parts, codes and rules as the PostgreSQL stubs (`--dialect postgresql`): (1) ours,
-- (2) the bank's, (3) the calls. A request id is claimed with its postings in one statement; status
-- and reverse bar an id that they do not find. Money is INTEGER in minor units.

-- (1) ours ---------------------------------------------------------------------------------------

CREATE TABLE tb_quote (
  request TEXT PRIMARY KEY,
  id TEXT UNIQUE,
  payer TEXT NOT NULL,
  payee TEXT NOT NULL,
  currency TEXT NOT NULL,
  minor INTEGER NOT NULL,
  fee INTEGER NOT NULL,
  expires_at TEXT NOT NULL,
  result TEXT NOT NULL,
  payee_masked TEXT,
  used_by TEXT
);

CREATE TABLE tb_request (
  id TEXT PRIMARY KEY,
  service TEXT NOT NULL DEFAULT '',
  content TEXT NOT NULL DEFAULT '',
  payer TEXT,
  payee TEXT,
  currency TEXT,
  minor INTEGER NOT NULL DEFAULT 0,
  fee INTEGER NOT NULL DEFAULT 0,
  reference TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT 'NP',
  available INTEGER,
  business_date TEXT,
  at TEXT NOT NULL,
  reversed_at TEXT,
  reversed_on TEXT,
  reverse_reason TEXT
);
CREATE INDEX tb_request_by_date ON tb_request (business_date);

-- (2) the bank's; put your own in their place ------------------------------------------------------

CREATE TABLE tb_day (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), business_date TEXT NOT NULL);
INSERT INTO tb_day VALUES (1, date('now'));

CREATE TABLE tb_account (
  id TEXT PRIMARY KEY,
  currency TEXT NOT NULL,
  minor INTEGER NOT NULL,
  open INTEGER NOT NULL DEFAULT 1
);
INSERT INTO tb_account VALUES ('FEES', 'CNY', 0, 1);

CREATE TABLE tb_card (
  number TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES tb_account,
  holder TEXT NOT NULL,
  identity TEXT NOT NULL,
  hot_at TEXT,
  hot_until TEXT,                       -- last business date of the stop; NULL: for good
  pin TEXT,                             -- SQLite has no hash function: for made-up PINs alone
  pin_wrong INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE tb_entry (
  request TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES tb_account,
  minor INTEGER NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX tb_entry_by_request ON tb_entry (request);

-- (3) the calls ------------------------------------------------------------------------------------

CREATE VIEW tb_stopped AS               -- stopped on the business date
  SELECT number FROM tb_card WHERE hot_at IS NOT NULL
  AND (hot_until IS NULL OR hot_until >= (SELECT business_date FROM tb_day));

CREATE VIEW tb_refusal AS
  SELECT c.number, c.account, a.minor, a.currency,
         CASE WHEN c.number IN (SELECT number FROM tb_stopped) THEN '41' WHEN a.open = 0 THEN '39' END AS code
  FROM tb_card c JOIN tb_account a ON a.id = c.account;

CREATE VIEW tb_balance AS
  SELECT number, coalesce(code, '00') AS result, minor, currency FROM tb_refusal;

-- Three wrong PINs in a row lock it. The INSERT counts, tb_pin says how it ended.
CREATE TABLE tb_pin_try (card TEXT PRIMARY KEY, result TEXT NOT NULL);

CREATE VIEW tb_pin_call AS SELECT '' AS card, '' AS pin WHERE 0;

CREATE TRIGGER tb_pin_do INSTEAD OF INSERT ON tb_pin_call
BEGIN
  INSERT OR REPLACE INTO tb_pin_try VALUES (NEW.card, coalesce(
    (SELECT CASE WHEN number IN (SELECT number FROM tb_stopped) THEN '41'
                 WHEN pin_wrong >= 3 THEN '75' WHEN pin = NEW.pin THEN '00' ELSE '55' END FROM tb_card WHERE number = NEW.card),
    '14'));
  UPDATE tb_card SET pin_wrong = CASE t.result WHEN '00' THEN 0 ELSE pin_wrong + 1 END
    FROM tb_pin_try t WHERE t.card = number AND number = NEW.card AND t.result IN ('00', '55');
END;

CREATE VIEW tb_pin_change_call AS SELECT '' AS id, '' AS card, '' AS pin, '' AS new_pin WHERE 0;

CREATE TRIGGER tb_pin_change_do INSTEAD OF INSERT ON tb_pin_change_call
WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)
BEGIN
  INSERT INTO tb_pin_call (card, pin) VALUES (NEW.card, NEW.pin);
  INSERT INTO tb_request (id, service, content, payer, business_date, at, result)
    SELECT NEW.id, 'pin', NEW.card, NEW.card, (SELECT business_date FROM tb_day),
           strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime'),
           CASE WHEN result = '00' AND length(NEW.new_pin) < 6 THEN '57' ELSE result END
    FROM tb_pin_try WHERE card = NEW.card;
  UPDATE tb_card SET pin = NEW.new_pin WHERE number = NEW.card
    AND EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id AND result = '00');
END;

CREATE VIEW tb_quote_call AS
  SELECT '' AS request, '' AS payer, '' AS payee, 0 AS minor, '' AS currency WHERE 0;

CREATE TRIGGER tb_quote_do INSTEAD OF INSERT ON tb_quote_call
WHEN NOT EXISTS (SELECT 1 FROM tb_quote WHERE request = NEW.request)
BEGIN
  INSERT INTO tb_quote (request, id, payer, payee, currency, minor, fee, expires_at, result)
  VALUES (NEW.request, 'Q' || lower(hex(randomblob(16))), NEW.payer, NEW.payee, NEW.currency,
          NEW.minor, CASE WHEN NEW.minor >= 100000 THEN 200 ELSE 0 END,
          strftime('%Y-%m-%dT%H:%M:%f', 'now', '+5 minutes'), '00');
  UPDATE tb_quote SET
    payee_masked = substr(NEW.payee, 1, 6) || substr('*********', 1, length(NEW.payee) - 10)
      || substr(NEW.payee, -4),
    result = coalesce(
      CASE WHEN NEW.payer NOT IN (SELECT number FROM tb_card) THEN '14' END,
      (SELECT code FROM tb_refusal WHERE number = NEW.payer),
      CASE WHEN NOT EXISTS (SELECT 1 FROM tb_refusal p, tb_refusal q
             WHERE p.number = NEW.payer AND q.number = NEW.payee AND q.code IS NULL
               AND p.account <> q.account) THEN '15' END,
      CASE WHEN NEW.minor <= 0 OR EXISTS (SELECT 1 FROM tb_refusal
             WHERE number IN (NEW.payer, NEW.payee) AND currency <> NEW.currency) THEN '13' END,
      (SELECT '51' FROM tb_refusal WHERE number = NEW.payer AND minor < NEW.minor + tb_quote.fee),
      '00')
  WHERE request = NEW.request;
END;

CREATE VIEW tb_transfer_call AS
  SELECT '' AS id, '' AS reference, '' AS quote, '' AS payer, '' AS payee, 0 AS minor,
         '' AS currency, 0 AS fee WHERE 0;

CREATE TRIGGER tb_transfer_do INSTEAD OF INSERT ON tb_transfer_call
WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)
BEGIN
  INSERT INTO tb_request (id, service, content, payer, payee, currency, minor, fee, reference,
                          business_date, at, result)
  VALUES (NEW.id, 'transfer',
          NEW.quote || '|' || NEW.payer || '|' || NEW.payee || '|' || NEW.minor || '|'
            || NEW.currency || '|' || NEW.fee,
          NEW.payer, NEW.payee, NEW.currency, NEW.minor, NEW.fee, NEW.reference,
          (SELECT business_date FROM tb_day), strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime'),
          coalesce(
            CASE WHEN NEW.payer NOT IN (SELECT number FROM tb_card) THEN '14' END,
            (SELECT code FROM tb_refusal WHERE number = NEW.payer),
            CASE WHEN NOT EXISTS (SELECT 1 FROM tb_refusal WHERE number = NEW.payee AND code IS NULL)
              THEN '15' END,
            CASE WHEN NOT EXISTS (SELECT 1 FROM tb_quote WHERE id = NEW.quote AND result = '00'
                 AND used_by IS NULL AND expires_at >= strftime('%Y-%m-%dT%H:%M:%f', 'now')
                 AND payer = NEW.payer AND payee = NEW.payee AND minor = NEW.minor
                 AND currency = NEW.currency AND fee = NEW.fee) THEN '05' END,
            (SELECT '51' FROM tb_refusal WHERE number = NEW.payer AND minor < NEW.minor + NEW.fee),
            '00'));
  INSERT INTO tb_entry
    SELECT id, (SELECT account FROM tb_card WHERE number = payer), -minor - fee, at
      FROM tb_request WHERE id = NEW.id AND result = '00'
    UNION ALL
    SELECT id, (SELECT account FROM tb_card WHERE number = payee), minor, at
      FROM tb_request WHERE id = NEW.id AND result = '00'
    UNION ALL
    SELECT id, 'FEES', fee, at FROM tb_request WHERE id = NEW.id AND result = '00';
  UPDATE tb_account SET minor = minor
      + (SELECT sum(minor) FROM tb_entry e WHERE e.request = NEW.id AND e.account = tb_account.id)
    WHERE id IN (SELECT account FROM tb_entry WHERE request = NEW.id);
  UPDATE tb_quote SET used_by = NEW.id
    WHERE id = NEW.quote AND EXISTS (SELECT 1 FROM tb_entry WHERE request = NEW.id);
  UPDATE tb_request SET available = (SELECT minor FROM tb_refusal WHERE number = NEW.payer)
    WHERE id = NEW.id AND result = '00';
END;

CREATE VIEW tb_loss_call AS
  SELECT '' AS id, '' AS reference, '' AS card, '' AS identity, '' AS until WHERE 0;

-- Stopped to the end of `until` (NULL: for good). A card that is stopped already keeps the later of
-- the two days; one that is stopped for good stays so.

CREATE TRIGGER tb_loss_do INSTEAD OF INSERT ON tb_loss_call
WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)
BEGIN
  UPDATE tb_card SET hot_at = CASE WHEN number IN (SELECT number FROM tb_stopped) THEN hot_at
                  ELSE strftime('%Y-%m-%dT%H:%M:%f', 'now') END,
      hot_until = CASE WHEN number NOT IN (SELECT number FROM tb_stopped) OR NEW.until IS NULL
                       THEN NEW.until
                  WHEN hot_until IS NULL THEN NULL ELSE max(hot_until, NEW.until) END
    WHERE number = NEW.card AND identity = NEW.identity;
  INSERT INTO tb_request (id, service, content, payer, reference, business_date, at, result)
  VALUES (NEW.id, 'loss', NEW.card || '|' || NEW.identity, NEW.card, NEW.reference,
          (SELECT business_date FROM tb_day), strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime'),
          CASE WHEN EXISTS (SELECT 1 FROM tb_card WHERE number = NEW.card
               AND identity = NEW.identity) THEN '00' ELSE '25' END);
END;

-- The customer signed (lift 0): stopped for good. Or the card was found (1): it may act again.
CREATE VIEW tb_loss_decided_call AS
  SELECT '' AS id, '' AS reference, '' AS card, 0 AS lift WHERE 0;

CREATE TRIGGER tb_loss_decided_do INSTEAD OF INSERT ON tb_loss_decided_call
WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)
BEGIN
  UPDATE tb_card SET hot_until = NULL, hot_at = CASE WHEN NEW.lift = 1 THEN NULL
      WHEN number IN (SELECT number FROM tb_stopped) THEN hot_at
      ELSE strftime('%Y-%m-%dT%H:%M:%f', 'now') END WHERE number = NEW.card;
  INSERT INTO tb_request (id, service, content, payer, reference, business_date, at, result)
  VALUES (NEW.id, CASE NEW.lift WHEN 1 THEN 'lift' ELSE 'confirm' END, NEW.card, NEW.card,
          NEW.reference, (SELECT business_date FROM tb_day),
          strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime'),
          CASE WHEN EXISTS (SELECT 1 FROM tb_card WHERE number = NEW.card) THEN '00' ELSE '14' END);
END;

CREATE VIEW tb_bar_call AS SELECT '' AS id WHERE 0;

CREATE TRIGGER tb_bar_do INSTEAD OF INSERT ON tb_bar_call
WHEN NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id)
BEGIN
  INSERT INTO tb_request (id, at) VALUES (NEW.id, strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime'));
END;

CREATE VIEW tb_reverse_call AS SELECT '' AS id, '' AS reason WHERE 0;

CREATE TRIGGER tb_reverse_do INSTEAD OF INSERT ON tb_reverse_call
BEGIN
  INSERT INTO tb_request (id, at)
    SELECT NEW.id, strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime')
    WHERE NOT EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id);
  UPDATE tb_account SET minor = minor
      - (SELECT sum(minor) FROM tb_entry e WHERE e.request = NEW.id AND e.account = tb_account.id)
    WHERE id IN (SELECT account FROM tb_entry WHERE request = NEW.id)
      AND EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id AND service = 'transfer'
                  AND result = '00' AND reversed_at IS NULL);
  INSERT INTO tb_entry SELECT request, account, -minor, strftime('%Y-%m-%dT%H:%M:%f', 'now')
    FROM tb_entry WHERE request = NEW.id
      AND EXISTS (SELECT 1 FROM tb_request WHERE id = NEW.id AND reversed_at IS NULL);
  UPDATE tb_request SET reversed_at = strftime('%Y-%m-%dT%H:%M:%f', 'now'),
      reversed_on = (SELECT business_date FROM tb_day), reverse_reason = NEW.reason
    WHERE id = NEW.id AND service = 'transfer' AND result = '00' AND reversed_at IS NULL;
END;

-- What the gateway reads of a request, for a first answer, a twin's and a status query alike.
CREATE VIEW tb_outcome AS
  SELECT id, content, CASE WHEN reversed_at IS NOT NULL THEN 'RV' ELSE result END AS result,
         reference, available, currency, at,
         coalesce(business_date, (SELECT business_date FROM tb_day)) AS business_date
  FROM tb_request;

-- Totals of a day; see the PostgreSQL stubs.
CREATE VIEW tb_totals AS
  SELECT side, currency, business_date, count(*) AS number, sum(minor) AS minor
  FROM (
    SELECT s.side, r.currency, r.business_date,
           CASE s.side WHEN 'D' THEN r.minor ELSE r.fee END AS minor
    FROM tb_request r, (SELECT 'D' AS side UNION ALL SELECT 'FEE') s
    WHERE r.service = 'transfer' AND r.result = '00'
    UNION ALL
    SELECT s.side, r.currency, r.reversed_on, CASE s.side WHEN 'DR' THEN r.minor ELSE -r.fee END
    FROM tb_request r, (SELECT 'DR' AS side UNION ALL SELECT 'FEE') s
    WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_on IS NOT NULL
  )
  GROUP BY side, currency, business_date;
