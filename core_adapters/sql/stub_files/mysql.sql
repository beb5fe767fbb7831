-- UNTESTED: written to the manual of MySQL 8 (InnoDB), never run against it. Try it on a copy.
-- telebank: the same three parts, codes and rules as the tested ones (`--dialect postgresql`);
-- read the rules at their top first. Run with a client that knows DELIMITER.
--
-- Profile: CALL tb_transfer({@request_id}, {@reference}, {quote}, {from}, {to}, {amount},
-- {amount.currency}, {fee}); begin: "SET SESSION innodb_lock_wait_timeout = 5"; commit: COMMIT.
-- Leave the driver's automatic reconnection off: a commit on a new connection proves nothing.
-- After ERROR 1205 (lock wait) InnoDB undoes only the statement; the gateway's ROLLBACK undoes all.

-- (1) ours: requests and quotes
CREATE TABLE tb_quote (
  request VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
  id VARCHAR(40) NOT NULL UNIQUE,
  payer VARCHAR(28) NOT NULL, payee VARCHAR(28) NOT NULL,
  currency CHAR(3) NOT NULL, minor BIGINT NOT NULL, fee BIGINT NOT NULL,
  expires_at DATETIME(6) NOT NULL, used_by VARCHAR(64)
) ENGINE = InnoDB;
CREATE TABLE tb_request (
  id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
  service VARCHAR(20) NOT NULL DEFAULT '', content VARCHAR(255) NOT NULL DEFAULT '',
  payer VARCHAR(28), payee VARCHAR(28), currency CHAR(3),
  minor BIGINT NOT NULL DEFAULT 0, fee BIGINT NOT NULL DEFAULT 0,
  reference VARCHAR(12) NOT NULL DEFAULT '', result VARCHAR(3) NOT NULL DEFAULT 'NP',
  available BIGINT, business_date DATE, at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  reversed_at DATETIME(6), reverse_reason VARCHAR(40), KEY (business_date)
) ENGINE = InnoDB;

-- (2) the bank's; put your own in their place
CREATE TABLE tb_day (one TINYINT PRIMARY KEY DEFAULT 1, business_date DATE NOT NULL) ENGINE = InnoDB;
INSERT INTO tb_day (business_date) VALUES (CURRENT_DATE);
CREATE TABLE tb_account (id VARCHAR(28) PRIMARY KEY, currency CHAR(3) NOT NULL,
  minor BIGINT NOT NULL, open BOOLEAN NOT NULL DEFAULT TRUE) ENGINE = InnoDB;
INSERT INTO tb_account VALUES ('FEES', 'CNY', 0, TRUE);
CREATE TABLE tb_card (number VARCHAR(19) PRIMARY KEY, account VARCHAR(28) NOT NULL,
  holder VARCHAR(80) NOT NULL, identity VARCHAR(20) NOT NULL, hot_at DATETIME(6)) ENGINE = InnoDB;

DELIMITER //
-- (3) the procedures
CREATE PROCEDURE tb_outcome (IN p_id VARCHAR(64))
  SELECT IF(reversed_at IS NULL, result, 'RV') AS result, reference, available, currency, at,
         (SELECT business_date FROM tb_day) AS business_date FROM tb_request WHERE id = p_id//

CREATE PROCEDURE tb_balance (IN p_card VARCHAR(19))
  SELECT CASE WHEN c.number IS NULL THEN '14' WHEN c.hot_at IS NOT NULL THEN '41'
         WHEN a.open THEN '00' ELSE '39' END AS result, a.minor AS available, a.minor AS ledger,
         a.currency, d.business_date
  FROM tb_day d LEFT JOIN tb_card c ON c.number = p_card LEFT JOIN tb_account a ON a.id = c.account//

CREATE PROCEDURE tb_make_quote (IN p_id VARCHAR(64), IN p_payer VARCHAR(28), IN p_payee VARCHAR(28),
  IN p_minor BIGINT, IN p_currency CHAR(3))
BEGIN
  DECLARE v_code CHAR(2) DEFAULT '00';
  DECLARE v_fee BIGINT DEFAULT IF(p_minor >= 100000, 200, 0);
  DECLARE v_from, v_to VARCHAR(28);
  DECLARE v_minor BIGINT;
  SELECT a.id, a.minor INTO v_from, v_minor FROM tb_card c JOIN tb_account a ON a.id = c.account
    WHERE c.number = p_payer AND c.hot_at IS NULL AND a.open AND a.currency = p_currency;
  SELECT a.id INTO v_to FROM tb_card c JOIN tb_account a ON a.id = c.account
    WHERE c.number = p_payee AND c.hot_at IS NULL AND a.open AND a.currency = p_currency;
  SET v_code = CASE WHEN v_from IS NULL THEN '14' WHEN v_to IS NULL OR v_to = v_from THEN '15'
    WHEN p_minor <= 0 THEN '13' WHEN v_minor < p_minor + v_fee THEN '51' ELSE '00' END;
  IF v_code = '00' THEN
    INSERT IGNORE INTO tb_quote VALUES (p_id, CONCAT('Q', REPLACE(UUID(), '-', '')), p_payer, p_payee,
      p_currency, p_minor, v_fee, NOW(6) + INTERVAL 5 MINUTE, NULL);
  END IF;
  SELECT v_code AS result, (SELECT id FROM tb_quote WHERE request = p_id) AS quote, v_fee AS fee,
    p_currency AS currency, CONCAT(LEFT(p_payee, 6), REPEAT('*', CHAR_LENGTH(p_payee) - 10),
    RIGHT(p_payee, 4)) AS payee_masked;
END//

CREATE PROCEDURE tb_transfer (IN p_id VARCHAR(64), IN p_reference VARCHAR(12), IN p_quote VARCHAR(40),
  IN p_payer VARCHAR(28), IN p_payee VARCHAR(28), IN p_minor BIGINT, IN p_currency CHAR(3), IN p_fee BIGINT)
BEGIN
  DECLARE v_content VARCHAR(255) DEFAULT
    CONCAT_WS('|', p_quote, p_payer, p_payee, p_minor, p_currency, p_fee);
  DECLARE v_from, v_to VARCHAR(28);
  DECLARE v_minor BIGINT;
  DECLARE v_good INT;
  DECLARE v_code CHAR(2);
  INSERT IGNORE INTO tb_request (id, service, content, payer, payee, currency, minor, fee, reference,
    business_date) SELECT p_id, 'transfer', v_content, p_payer, p_payee, p_currency, p_minor, p_fee,
    p_reference, business_date FROM tb_day;
  IF ROW_COUNT() = 1 THEN
    SELECT COUNT(*) INTO v_good FROM tb_quote WHERE id = p_quote AND used_by IS NULL
      AND expires_at >= NOW(6) AND payer = p_payer AND payee = p_payee AND minor = p_minor
      AND currency = p_currency AND fee = p_fee FOR UPDATE;
    -- In the order of ids, so that two transfers never wait for each other.
    SELECT COUNT(*) INTO @locked FROM (SELECT id FROM tb_account WHERE id IN
      (SELECT account FROM tb_card WHERE number IN (p_payer, p_payee)) ORDER BY id FOR UPDATE) l;
    SELECT a.id, a.minor INTO v_from, v_minor FROM tb_card c JOIN tb_account a ON a.id = c.account
      WHERE c.number = p_payer AND c.hot_at IS NULL AND a.open;
    SELECT a.id INTO v_to FROM tb_card c JOIN tb_account a ON a.id = c.account
      WHERE c.number = p_payee AND c.hot_at IS NULL AND a.open;
    SET v_code = CASE WHEN v_from IS NULL THEN '14' WHEN v_to IS NULL THEN '15'
      WHEN v_good = 0 THEN '05' WHEN v_minor < p_minor + p_fee THEN '51' ELSE '00' END;
    IF v_code = '00' THEN
      UPDATE tb_account SET minor = minor - p_minor - p_fee WHERE id = v_from;
      UPDATE tb_account SET minor = minor + p_minor WHERE id = v_to;
      UPDATE tb_account SET minor = minor + p_fee WHERE id = 'FEES' AND p_fee <> 0;
      UPDATE tb_quote SET used_by = p_id WHERE id = p_quote;
      UPDATE tb_request SET available = v_minor - p_minor - p_fee WHERE id = p_id;
    END IF;
    UPDATE tb_request SET result = v_code WHERE id = p_id;
  END IF;
  SELECT IF(content IN ('', v_content), IF(reversed_at IS NULL, result, 'RV'), 'DC') AS result,
    reference, available, currency, at, (SELECT business_date FROM tb_day) AS business_date
    FROM tb_request WHERE id = p_id;
END//

-- Knows no last day ({@expiry}) yet, and nothing confirms or lifts a report: add both as the
-- PostgreSQL stubs have them, or leave card.confirm_loss and card.lift_loss out of the profile.
CREATE PROCEDURE tb_report_loss (IN p_id VARCHAR(64), IN p_reference VARCHAR(12),
  IN p_card VARCHAR(19), IN p_identity VARCHAR(20))
BEGIN
  INSERT IGNORE INTO tb_request (id, service, payer, reference, business_date)
    SELECT p_id, 'loss', p_card, p_reference, business_date FROM tb_day;
  IF ROW_COUNT() = 1 THEN
    UPDATE tb_card SET hot_at = COALESCE(hot_at, NOW(6)) WHERE number = p_card AND identity = p_identity;
    UPDATE tb_request SET result = IF(EXISTS (SELECT 1 FROM tb_card WHERE number = p_card
      AND identity = p_identity), '00', '25') WHERE id = p_id;
  END IF;
  CALL tb_outcome(p_id);
END//

CREATE PROCEDURE tb_status (IN p_id VARCHAR(64))
BEGIN
  INSERT IGNORE INTO tb_request (id) VALUES (p_id);   -- barred from now on
  CALL tb_outcome(p_id);
END//

CREATE PROCEDURE tb_reverse (IN p_id VARCHAR(64), IN p_reason VARCHAR(40))
BEGIN
  DECLARE v_service, v_result, v_payer, v_payee VARCHAR(28);
  DECLARE v_minor, v_fee BIGINT;
  DECLARE v_at DATETIME(6);
  INSERT IGNORE INTO tb_request (id) VALUES (p_id);   -- barred from now on
  SELECT service, result, payer, payee, minor, fee, reversed_at
    INTO v_service, v_result, v_payer, v_payee, v_minor, v_fee, v_at
    FROM tb_request WHERE id = p_id FOR UPDATE;
  IF v_service = 'transfer' AND v_result = '00' AND v_at IS NULL THEN
    SELECT COUNT(*) INTO @locked FROM (SELECT id FROM tb_account WHERE id IN
      (SELECT account FROM tb_card WHERE number IN (v_payer, v_payee)) ORDER BY id FOR UPDATE) l;
    UPDATE tb_account SET minor = minor + v_minor + v_fee
      WHERE id = (SELECT account FROM tb_card WHERE number = v_payer);
    UPDATE tb_account SET minor = minor - v_minor
      WHERE id = (SELECT account FROM tb_card WHERE number = v_payee);
    UPDATE tb_account SET minor = minor - v_fee WHERE id = 'FEES' AND v_fee <> 0;
    UPDATE tb_request SET reversed_at = NOW(6), reverse_reason = p_reason WHERE id = p_id;
  END IF;
  SELECT IF(v_service = 'transfer' AND v_result = '00', '00', 'NP') AS result;
END//

CREATE PROCEDURE tb_totals (IN p_date DATE)
  SELECT s.side, r.currency, COUNT(*) AS number, SUM(r.minor + IF(s.side = 'D', r.fee, 0)) AS minor
  FROM tb_request r JOIN (SELECT 'D' AS side UNION ALL SELECT 'C') s
  WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_at IS NULL AND r.business_date = p_date
  GROUP BY s.side, r.currency//
DELIMITER ;
