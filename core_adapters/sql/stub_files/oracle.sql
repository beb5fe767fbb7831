-- UNTESTED: written to the manual of Oracle 19c, never run against it. Try it on a copy.
-- telebank: the same parts, codes and rules as the tested ones (`--dialect postgresql`); read the
-- rules at their top first. Run with SQL*Plus (/ ends a block).
--
-- Profile: two statements for each call that writes, in one transaction (quote, loss, status and
-- reverse alike): "{CALL tb_transfer({@request_id}, {@reference}, {quote}, {from}, {to}, {amount},
-- {amount.currency}, {fee})}", then "SELECT result, reference, available, currency, at,
-- business_date FROM tb_outcome WHERE id = {@request_id}". No `commit`: the driver's commit, then
-- the ping. Empty text is NULL in Oracle: '-' stands for none. number is a reserved word: in the
-- profile write "number_ AS \"number\"" (columns are read by name in small letters).
-- Here a twin is told its first result whatever its content; add 'DC' as the tested stubs do.

-- (1) ours: requests and quotes
CREATE TABLE tb_quote (request VARCHAR2(64) NOT NULL PRIMARY KEY, id VARCHAR2(40) NOT NULL UNIQUE,
  payer VARCHAR2(28) NOT NULL, payee VARCHAR2(28) NOT NULL, currency CHAR(3) NOT NULL, minor NUMBER(18) NOT NULL,
  fee NUMBER(18) NOT NULL, expires_at TIMESTAMP NOT NULL, used_by VARCHAR2(64));
CREATE TABLE tb_request (id VARCHAR2(64) NOT NULL PRIMARY KEY, service VARCHAR2(20) DEFAULT '-' NOT NULL,
  content VARCHAR2(255) DEFAULT '-' NOT NULL, payer VARCHAR2(28), payee VARCHAR2(28), currency CHAR(3),
  minor NUMBER(18) DEFAULT 0 NOT NULL, fee NUMBER(18) DEFAULT 0 NOT NULL, reference VARCHAR2(12) DEFAULT '-' NOT NULL,
  result VARCHAR2(3) DEFAULT 'NP' NOT NULL, available NUMBER(18), business_date DATE,
  at_time TIMESTAMP DEFAULT SYSTIMESTAMP NOT NULL, reversed_at TIMESTAMP, reverse_reason VARCHAR2(40));
-- (2) the bank's; put your own in their place
CREATE TABLE tb_day (business_date DATE NOT NULL);
INSERT INTO tb_day VALUES (TRUNC(SYSDATE));
CREATE TABLE tb_account (id VARCHAR2(28) NOT NULL PRIMARY KEY, currency CHAR(3) NOT NULL,
  minor NUMBER(18) NOT NULL, is_open SMALLINT DEFAULT 1 NOT NULL);
INSERT INTO tb_account VALUES ('FEES', 'CNY', 0, 1);
CREATE TABLE tb_card (number_ VARCHAR2(19) NOT NULL PRIMARY KEY, account VARCHAR2(28) NOT NULL,
  holder VARCHAR2(80) NOT NULL, ident VARCHAR2(20) NOT NULL, hot_at TIMESTAMP);
CREATE VIEW tb_outcome AS SELECT r.id, r.content,
  CASE WHEN r.reversed_at IS NOT NULL THEN 'RV' ELSE r.result END AS result, r.reference,
  r.available, r.currency, r.at_time AS at, d.business_date FROM tb_request r CROSS JOIN tb_day d;
-- (3) reads are plain statements of the profile, on views
CREATE VIEW tb_balance AS SELECT c.number_ AS card, CASE WHEN c.hot_at IS NOT NULL THEN '41'
  WHEN a.is_open = 1 THEN '00' ELSE '39' END AS result, a.minor AS available, a.minor AS ledger,
  a.currency FROM tb_card c JOIN tb_account a ON a.id = c.account;
CREATE VIEW tb_totals AS SELECT s.side, r.currency, r.business_date, COUNT(*) AS number_,
  SUM(r.minor + CASE s.side WHEN 'D' THEN r.fee ELSE 0 END) AS minor
  FROM tb_request r CROSS JOIN (SELECT 'D' AS side FROM dual UNION ALL SELECT 'C' FROM dual) s
  WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_at IS NULL
  GROUP BY s.side, r.currency, r.business_date;

-- (4) the procedures
-- Claims an id; the unique key makes a twin wait for the first to end.
CREATE OR REPLACE FUNCTION tb_claim(p_id VARCHAR2, p_service VARCHAR2) RETURN NUMBER IS
BEGIN
  INSERT INTO tb_request (id, service, business_date)
    SELECT p_id, p_service, business_date FROM tb_day;
  RETURN 1;
EXCEPTION WHEN DUP_VAL_ON_INDEX THEN RETURN 0;
END;
/
CREATE OR REPLACE PROCEDURE tb_make_quote(p_id VARCHAR2, p_payer VARCHAR2, p_payee VARCHAR2,
  p_minor NUMBER, p_currency VARCHAR2) IS
  v_fee NUMBER := CASE WHEN p_minor >= 100000 THEN 200 ELSE 0 END;
BEGIN
  -- A quote that is not there is refused by the profile's SELECT: COALESCE(result, '51').
  INSERT INTO tb_quote SELECT p_id, 'Q' || LOWER(RAWTOHEX(SYS_GUID())), p_payer, p_payee, p_currency,
    p_minor, v_fee, SYSTIMESTAMP + INTERVAL '5' MINUTE, NULL
    FROM tb_balance f JOIN tb_balance t ON t.card = p_payee
    WHERE f.card = p_payer AND f.result = '00' AND t.result = '00' AND p_payer <> p_payee
      AND f.currency = p_currency AND t.currency = p_currency AND f.available >= p_minor + v_fee;
EXCEPTION WHEN DUP_VAL_ON_INDEX THEN NULL;
END;
/
CREATE OR REPLACE PROCEDURE tb_transfer(p_id VARCHAR2, p_reference VARCHAR2, p_quote VARCHAR2,
  p_payer VARCHAR2, p_payee VARCHAR2, p_minor NUMBER, p_currency VARCHAR2, p_fee NUMBER) IS
  v_from VARCHAR2(28); v_to VARCHAR2(28); v_held NUMBER; v_good NUMBER; v_code VARCHAR2(3);
BEGIN
  IF tb_claim(p_id, 'transfer') = 0 THEN RETURN; END IF;   -- a twin: SELECT gives the first result
  UPDATE tb_quote SET used_by = p_id WHERE id = p_quote AND used_by IS NULL
    AND expires_at >= SYSTIMESTAMP AND payer = p_payer AND payee = p_payee AND minor = p_minor
    AND currency = p_currency AND fee = p_fee;
  v_good := SQL%ROWCOUNT;
  -- In the order of ids, so that two transfers never wait for each other.
  FOR a IN (SELECT id, minor FROM tb_account WHERE is_open = 1 AND id IN (SELECT account FROM tb_card
            WHERE number_ IN (p_payer, p_payee) AND hot_at IS NULL) ORDER BY id FOR UPDATE) LOOP
    FOR c IN (SELECT number_ FROM tb_card WHERE account = a.id) LOOP
      IF c.number_ = p_payer THEN v_from := a.id; v_held := a.minor; END IF;
      IF c.number_ = p_payee THEN v_to := a.id; END IF;
    END LOOP;
  END LOOP;
  v_code := CASE WHEN v_from IS NULL THEN '14' WHEN v_to IS NULL THEN '15' WHEN v_good = 0 THEN '05'
    WHEN v_held < p_minor + p_fee THEN '51' ELSE '00' END;
  IF v_code = '00' THEN
    UPDATE tb_account SET minor = minor - p_minor - p_fee WHERE id = v_from;
    UPDATE tb_account SET minor = minor + p_minor WHERE id = v_to;
    UPDATE tb_account SET minor = minor + p_fee WHERE id = 'FEES' AND p_fee <> 0;
  ELSE
    UPDATE tb_quote SET used_by = NULL WHERE used_by = p_id;
  END IF;
  UPDATE tb_request SET result = v_code, reference = p_reference, payer = p_payer, payee = p_payee,
    minor = p_minor, currency = p_currency, fee = p_fee,
    available = CASE v_code WHEN '00' THEN v_held - p_minor - p_fee END WHERE id = p_id;
END;
/
-- Knows no last day ({@expiry}) yet, and nothing confirms or lifts a report: add both as the
-- PostgreSQL stubs have them, or leave card.confirm_loss and card.lift_loss out of the profile.
CREATE OR REPLACE PROCEDURE tb_report_loss(p_id VARCHAR2, p_reference VARCHAR2, p_card VARCHAR2,
  p_ident VARCHAR2) IS
  v_code VARCHAR2(3);
BEGIN
  IF tb_claim(p_id, 'loss') = 0 THEN RETURN; END IF;
  UPDATE tb_card SET hot_at = COALESCE(hot_at, SYSTIMESTAMP)
    WHERE number_ = p_card AND ident = p_ident;
  v_code := CASE SQL%ROWCOUNT WHEN 1 THEN '00' ELSE '25' END;
  UPDATE tb_request SET result = v_code, reference = p_reference, payer = p_card WHERE id = p_id;
END;
/
CREATE OR REPLACE PROCEDURE tb_status(p_id VARCHAR2) IS
  v_new NUMBER;
BEGIN
  v_new := tb_claim(p_id, '-');   -- barred from now on
END;
/
CREATE OR REPLACE PROCEDURE tb_reverse(p_id VARCHAR2, p_reason VARCHAR2) IS
  v_new NUMBER := tb_claim(p_id, '-');   -- barred from now on
  v_row tb_request%ROWTYPE;
BEGIN
  SELECT * INTO v_row FROM tb_request WHERE id = p_id FOR UPDATE;
  IF v_row.service = 'transfer' AND v_row.result = '00' AND v_row.reversed_at IS NULL THEN
    FOR a IN (SELECT id FROM tb_account WHERE id IN (SELECT account FROM tb_card WHERE number_ IN
      (v_row.payer, v_row.payee)) ORDER BY id FOR UPDATE) LOOP NULL; END LOOP;
    UPDATE tb_account SET minor = minor + v_row.minor + v_row.fee
      WHERE id = (SELECT account FROM tb_card WHERE number_ = v_row.payer);
    UPDATE tb_account SET minor = minor - v_row.minor
      WHERE id = (SELECT account FROM tb_card WHERE number_ = v_row.payee);
    UPDATE tb_account SET minor = minor - v_row.fee WHERE id = 'FEES' AND v_row.fee <> 0;
    UPDATE tb_request SET reversed_at = SYSTIMESTAMP, reverse_reason = p_reason WHERE id = p_id;
  END IF;
END;
/
