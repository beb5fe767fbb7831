-- UNTESTED: written to the manual of Db2 11.5 for Linux, never run against it. Try it on a copy.
-- telebank: the same parts, codes and rules as the tested ones (`--dialect postgresql`); read the
-- rules at their top first. Run with `db2 -td@ -f FILE` (@ ends a statement).
--
-- Profile: two statements for each call that writes, in one transaction (quote, loss, status and
-- reverse alike): "{CALL tb_transfer({@request_id}, {@reference}, {quote}, {from}, {to}, {amount},
-- {amount.currency}, {fee})}", then "SELECT result, reference, available, currency, at,
-- business_date FROM tb_outcome WHERE id = {@request_id}". No `commit`: the driver's commit, then
-- the ping. '-' stands for no text. Isolation is cursor stability (the default). number_: in the
-- profile write "number_ AS \"number\"" (columns are read by name in small letters).
-- Here a twin is told its first result whatever its content; add 'DC' as the tested stubs do.

-- (1) ours: requests and quotes
CREATE TABLE tb_quote (request VARCHAR(64) NOT NULL PRIMARY KEY, id VARCHAR(40) NOT NULL UNIQUE,
  payer VARCHAR(28) NOT NULL, payee VARCHAR(28) NOT NULL, currency CHAR(3) NOT NULL, minor BIGINT NOT NULL,
  fee BIGINT NOT NULL, expires_at TIMESTAMP NOT NULL, used_by VARCHAR(64))@
CREATE TABLE tb_request (id VARCHAR(64) NOT NULL PRIMARY KEY, service VARCHAR(20) DEFAULT '-' NOT NULL,
  content VARCHAR(255) DEFAULT '-' NOT NULL, payer VARCHAR(28), payee VARCHAR(28), currency CHAR(3),
  minor BIGINT DEFAULT 0 NOT NULL, fee BIGINT DEFAULT 0 NOT NULL, reference VARCHAR(12) DEFAULT '-' NOT NULL,
  result VARCHAR(3) DEFAULT 'NP' NOT NULL, available BIGINT, business_date DATE,
  at_time TIMESTAMP DEFAULT CURRENT TIMESTAMP NOT NULL, reversed_at TIMESTAMP, reverse_reason VARCHAR(40))@
-- (2) the bank's; put your own in their place
CREATE TABLE tb_day (business_date DATE NOT NULL)@
INSERT INTO tb_day VALUES (CURRENT DATE)@
CREATE TABLE tb_account (id VARCHAR(28) NOT NULL PRIMARY KEY, currency CHAR(3) NOT NULL,
  minor BIGINT NOT NULL, is_open SMALLINT DEFAULT 1 NOT NULL)@
INSERT INTO tb_account VALUES ('FEES', 'CNY', 0, 1)@
CREATE TABLE tb_card (number_ VARCHAR(19) NOT NULL PRIMARY KEY, account VARCHAR(28) NOT NULL,
  holder VARCHAR(80) NOT NULL, ident VARCHAR(20) NOT NULL, hot_at TIMESTAMP)@
CREATE VIEW tb_outcome AS SELECT r.id, r.content,
  CASE WHEN r.reversed_at IS NOT NULL THEN 'RV' ELSE r.result END AS result, r.reference,
  r.available, r.currency, r.at_time AS at, d.business_date FROM tb_request r CROSS JOIN tb_day d@
-- (3) reads are plain statements of the profile, on views
CREATE VIEW tb_balance AS SELECT c.number_ AS card, CASE WHEN c.hot_at IS NOT NULL THEN '41'
  WHEN a.is_open = 1 THEN '00' ELSE '39' END AS result, a.minor AS available, a.minor AS ledger,
  a.currency FROM tb_card c JOIN tb_account a ON a.id = c.account@
CREATE VIEW tb_totals AS SELECT s.side, r.currency, r.business_date, COUNT(*) AS number_,
  SUM(r.minor + CASE s.side WHEN 'D' THEN r.fee ELSE 0 END) AS minor
  FROM tb_request r CROSS JOIN (SELECT 'D' AS side FROM sysibm.sysdummy1 UNION ALL SELECT 'C' FROM sysibm.sysdummy1) s
  WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_at IS NULL
  GROUP BY s.side, r.currency, r.business_date@

-- (4) the procedures
-- Claims an id; the unique key makes a twin wait for the first to end.
CREATE PROCEDURE tb_claim (IN p_id VARCHAR(64), IN p_service VARCHAR(20), OUT p_new INTEGER)
BEGIN
  DECLARE CONTINUE HANDLER FOR SQLSTATE '23505' SET p_new = 0;
  SET p_new = 1;
  INSERT INTO tb_request (id, service, business_date)
    SELECT p_id, p_service, business_date FROM tb_day;
END@
CREATE PROCEDURE tb_make_quote (IN p_id VARCHAR(64), IN p_payer VARCHAR(28), IN p_payee VARCHAR(28),
  IN p_minor BIGINT, IN p_currency CHAR(3))
BEGIN
  DECLARE v_fee BIGINT;
  DECLARE CONTINUE HANDLER FOR SQLSTATE '23505' BEGIN END;
  SET v_fee = CASE WHEN p_minor >= 100000 THEN 200 ELSE 0 END;
  -- A quote that is not there is refused by the profile's SELECT: COALESCE(result, '51').
  INSERT INTO tb_quote SELECT p_id, 'Q' || LOWER(HEX(GENERATE_UNIQUE())), p_payer, p_payee,
    p_currency, p_minor, v_fee, CURRENT TIMESTAMP + 5 MINUTES, CAST(NULL AS VARCHAR(64))
    FROM tb_balance f JOIN tb_balance t ON t.card = p_payee
    WHERE f.card = p_payer AND f.result = '00' AND t.result = '00' AND p_payer <> p_payee
      AND f.currency = p_currency AND t.currency = p_currency AND f.available >= p_minor + v_fee;
END@
CREATE PROCEDURE tb_transfer (IN p_id VARCHAR(64), IN p_reference VARCHAR(12), IN p_quote VARCHAR(40),
  IN p_payer VARCHAR(28), IN p_payee VARCHAR(28), IN p_minor BIGINT, IN p_currency CHAR(3), IN p_fee BIGINT)
BEGIN
  DECLARE v_new, v_good INTEGER;
  DECLARE v_from, v_to VARCHAR(28);
  DECLARE v_held BIGINT;
  DECLARE v_code VARCHAR(3);
  CALL tb_claim(p_id, 'transfer', v_new);
  IF v_new = 1 THEN
    UPDATE tb_quote SET used_by = p_id WHERE id = p_quote AND used_by IS NULL
      AND expires_at >= CURRENT TIMESTAMP AND payer = p_payer AND payee = p_payee
      AND minor = p_minor AND currency = p_currency AND fee = p_fee;
    GET DIAGNOSTICS v_good = ROW_COUNT;
    -- In the order of ids, so that two transfers never wait for each other.
    FOR a AS SELECT id FROM tb_account WHERE id IN (SELECT account FROM tb_card
        WHERE number_ IN (p_payer, p_payee)) ORDER BY id DO
      UPDATE tb_account SET minor = minor WHERE id = a.id;
    END FOR;
    SET (v_from, v_held) = (SELECT c.account, b.available FROM tb_card c JOIN tb_balance b
      ON b.card = c.number_ WHERE b.card = p_payer AND b.result = '00');
    SET v_to = (SELECT c.account FROM tb_card c JOIN tb_balance b ON b.card = c.number_
      WHERE b.card = p_payee AND b.result = '00');
    SET v_code = CASE WHEN v_from IS NULL THEN '14' WHEN v_to IS NULL THEN '15'
      WHEN v_good = 0 THEN '05' WHEN v_held < p_minor + p_fee THEN '51' ELSE '00' END;
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
  END IF;
END@
-- Knows no last day ({@expiry}) yet, and nothing confirms or lifts a report: add both as the
-- PostgreSQL stubs have them, or leave card.confirm_loss and card.lift_loss out of the profile.
CREATE PROCEDURE tb_report_loss (IN p_id VARCHAR(64), IN p_reference VARCHAR(12),
  IN p_card VARCHAR(19), IN p_ident VARCHAR(20))
BEGIN
  DECLARE v_new, v_hot INTEGER;
  CALL tb_claim(p_id, 'loss', v_new);
  IF v_new = 1 THEN
    UPDATE tb_card SET hot_at = COALESCE(hot_at, CURRENT TIMESTAMP)
      WHERE number_ = p_card AND ident = p_ident;
    GET DIAGNOSTICS v_hot = ROW_COUNT;
    UPDATE tb_request SET result = CASE v_hot WHEN 1 THEN '00' ELSE '25' END,
      reference = p_reference, payer = p_card WHERE id = p_id;
  END IF;
END@
CREATE PROCEDURE tb_status (IN p_id VARCHAR(64))
BEGIN
  DECLARE v_new INTEGER;
  CALL tb_claim(p_id, '-', v_new);   -- barred from now on
END@
CREATE PROCEDURE tb_reverse (IN p_id VARCHAR(64), IN p_reason VARCHAR(40))
BEGIN
  DECLARE v_new, v_undo INTEGER;
  CALL tb_claim(p_id, '-', v_new);   -- barred from now on
  UPDATE tb_request SET reversed_at = CURRENT TIMESTAMP, reverse_reason = p_reason
    WHERE id = p_id AND service = 'transfer' AND result = '00' AND reversed_at IS NULL;
  GET DIAGNOSTICS v_undo = ROW_COUNT;
  IF v_undo = 1 THEN
    FOR r AS SELECT f.account AS v_from, t.account AS v_to, q.minor AS v_minor, q.fee AS v_fee
        FROM tb_request q JOIN tb_card f ON f.number_ = q.payer JOIN tb_card t ON t.number_ = q.payee
        WHERE q.id = p_id DO
      FOR a AS SELECT id FROM tb_account WHERE id IN (r.v_from, r.v_to) ORDER BY id DO
        UPDATE tb_account SET minor = minor + CASE id WHEN r.v_from THEN r.v_minor + r.v_fee
          ELSE -r.v_minor END WHERE id = a.id;
      END FOR;
      UPDATE tb_account SET minor = minor - r.v_fee WHERE id = 'FEES' AND r.v_fee <> 0;
    END FOR;
  END IF;
END@
