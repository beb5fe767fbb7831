-- UNTESTED: written to the manual of SQL Server 2017 and later, never run against it.
-- telebank: the same three parts, codes and rules as the tested ones (`--dialect postgresql`);
-- read the rules at their top first. Run with sqlcmd (GO ends a batch).
--
-- Profile: "EXEC tb_transfer {@request_id}, {@reference}, {quote}, {from}, {to}, {amount},
-- {amount.currency}, {fee}"; begin: "SET LOCK_TIMEOUT 5000", "SET XACT_ABORT ON"; no `commit`: the
-- driver's commit, then the ping. 1222 is a lock time-out, 1205 a deadlock (rolled back).
-- Every procedure begins with SET NOCOUNT ON, or row counts come before the row.

-- (1) ours: requests and quotes
CREATE TABLE tb_quote (request VARCHAR(64) COLLATE Latin1_General_BIN2 PRIMARY KEY,
  id VARCHAR(40) NOT NULL UNIQUE, payer VARCHAR(28) NOT NULL, payee VARCHAR(28) NOT NULL,
  currency CHAR(3) NOT NULL, minor BIGINT NOT NULL, fee BIGINT NOT NULL,
  expires_at DATETIME2 NOT NULL, used_by VARCHAR(64));
CREATE TABLE tb_request (id VARCHAR(64) COLLATE Latin1_General_BIN2 PRIMARY KEY,
  service VARCHAR(20) NOT NULL DEFAULT '', content VARCHAR(255) NOT NULL DEFAULT '',
  payer VARCHAR(28), payee VARCHAR(28), currency CHAR(3), minor BIGINT NOT NULL DEFAULT 0,
  fee BIGINT NOT NULL DEFAULT 0, reference VARCHAR(12) NOT NULL DEFAULT '',
  result VARCHAR(3) NOT NULL DEFAULT 'NP', available BIGINT, business_date DATE,
  at DATETIME2 NOT NULL DEFAULT SYSDATETIME(), reversed_at DATETIME2, reverse_reason VARCHAR(40));
-- (2) the bank's; put your own in their place
CREATE TABLE tb_day (one INT PRIMARY KEY DEFAULT 1, business_date DATE NOT NULL);
INSERT INTO tb_day (business_date) VALUES (CAST(SYSDATETIME() AS DATE));
CREATE TABLE tb_account (id VARCHAR(28) PRIMARY KEY, currency CHAR(3) NOT NULL,
  minor BIGINT NOT NULL, is_open BIT NOT NULL DEFAULT 1);
INSERT INTO tb_account VALUES ('FEES', 'CNY', 0, 1);
CREATE TABLE tb_card (number VARCHAR(19) PRIMARY KEY, account VARCHAR(28) NOT NULL
  REFERENCES tb_account, holder NVARCHAR(80) NOT NULL, ident VARCHAR(20) NOT NULL, hot_at DATETIME2);
GO
-- (3) the procedures
CREATE PROCEDURE tb_outcome @id VARCHAR(64), @content VARCHAR(255) = NULL AS
  SELECT CASE WHEN @content IS NOT NULL AND content NOT IN ('', @content) THEN 'DC'
    WHEN reversed_at IS NOT NULL THEN 'RV' ELSE result END AS result, reference, available,
    currency, at, (SELECT business_date FROM tb_day) AS business_date FROM tb_request WHERE id = @id;
GO
-- Claims an id: 1 where it was free. The key-range lock makes a twin wait for the first to end.
CREATE PROCEDURE tb_claim @id VARCHAR(64), @service VARCHAR(20) = '' AS
BEGIN
  SET NOCOUNT ON;
  INSERT INTO tb_request (id, service, business_date)
    SELECT @id, @service, business_date FROM tb_day WHERE NOT EXISTS
      (SELECT 1 FROM tb_request WITH (UPDLOCK, HOLDLOCK) WHERE id = @id);
  RETURN @@ROWCOUNT;
END;
GO
CREATE PROCEDURE tb_balance @card VARCHAR(19) AS
  SELECT CASE WHEN c.number IS NULL THEN '14' WHEN c.hot_at IS NOT NULL THEN '41'
    WHEN a.is_open = 1 THEN '00' ELSE '39' END AS result, a.minor AS available, a.minor AS ledger,
    a.currency, d.business_date FROM tb_day d LEFT JOIN tb_card c ON c.number = @card
    LEFT JOIN tb_account a ON a.id = c.account;
GO
CREATE PROCEDURE tb_make_quote @id VARCHAR(64), @payer VARCHAR(28), @payee VARCHAR(28),
  @minor BIGINT, @currency CHAR(3) AS
BEGIN
  SET NOCOUNT ON;
  DECLARE @from VARCHAR(28), @to VARCHAR(28), @held BIGINT, @code CHAR(2);
  DECLARE @fee BIGINT = CASE WHEN @minor >= 100000 THEN 200 ELSE 0 END;
  SELECT @from = a.id, @held = a.minor FROM tb_card c JOIN tb_account a ON a.id = c.account
    WHERE c.number = @payer AND c.hot_at IS NULL AND a.is_open = 1 AND a.currency = @currency;
  SELECT @to = a.id FROM tb_card c JOIN tb_account a ON a.id = c.account
    WHERE c.number = @payee AND c.hot_at IS NULL AND a.is_open = 1 AND a.currency = @currency;
  SET @code = CASE WHEN @from IS NULL THEN '14' WHEN @to IS NULL OR @to = @from THEN '15'
    WHEN @minor <= 0 THEN '13' WHEN @held < @minor + @fee THEN '51' ELSE '00' END;
  IF @code = '00'
    INSERT INTO tb_quote SELECT @id, 'Q' + REPLACE(CAST(NEWID() AS VARCHAR(36)), '-', ''), @payer,
      @payee, @currency, @minor, @fee, DATEADD(MINUTE, 5, SYSDATETIME()), NULL
      WHERE NOT EXISTS (SELECT 1 FROM tb_quote WITH (UPDLOCK, HOLDLOCK) WHERE request = @id);
  SELECT @code AS result, (SELECT id FROM tb_quote WHERE request = @id) AS quote, @fee AS fee,
    @currency AS currency,
    LEFT(@payee, 6) + REPLICATE('*', LEN(@payee) - 10) + RIGHT(@payee, 4) AS payee_masked;
END;
GO
CREATE PROCEDURE tb_transfer @id VARCHAR(64), @reference VARCHAR(12), @quote VARCHAR(40),
  @payer VARCHAR(28), @payee VARCHAR(28), @minor BIGINT, @currency CHAR(3), @fee BIGINT AS
BEGIN
  SET NOCOUNT ON;
  DECLARE @content VARCHAR(255) = CONCAT(@quote, '|', @payer, '|', @payee, '|', @minor, '|',
    @currency, '|', @fee);
  DECLARE @claimed INT, @from VARCHAR(28), @to VARCHAR(28), @held BIGINT, @good INT, @code CHAR(2);
  EXEC @claimed = tb_claim @id, 'transfer';
  IF @claimed = 1
  BEGIN
    UPDATE tb_request SET content = @content, payer = @payer, payee = @payee, currency = @currency,
      minor = @minor, fee = @fee, reference = @reference WHERE id = @id;
    SELECT @good = COUNT(*) FROM tb_quote WITH (UPDLOCK) WHERE id = @quote AND used_by IS NULL
      AND expires_at >= SYSDATETIME() AND payer = @payer AND payee = @payee AND minor = @minor
      AND currency = @currency AND fee = @fee;
    SELECT @from = account FROM tb_card WHERE number = @payer AND hot_at IS NULL;
    SELECT @to = account FROM tb_card WHERE number = @payee AND hot_at IS NULL;
    -- In the order of ids, so that two transfers never wait for each other.
    DECLARE @one VARCHAR(28) = CASE WHEN @from < @to THEN @from ELSE @to END;
    DECLARE @two VARCHAR(28) = CASE WHEN @from < @to THEN @to ELSE @from END;
    SELECT @held = minor FROM tb_account WITH (UPDLOCK, ROWLOCK) WHERE id = @one;
    SELECT @held = minor FROM tb_account WITH (UPDLOCK, ROWLOCK) WHERE id = @two;
    SELECT @held = minor FROM tb_account WHERE id = @from AND is_open = 1;
    SET @code = CASE WHEN @from IS NULL OR @held IS NULL THEN '14' WHEN @to IS NULL THEN '15'
      WHEN @good = 0 THEN '05' WHEN @held < @minor + @fee THEN '51' ELSE '00' END;
    IF @code = '00'
    BEGIN
      UPDATE tb_account SET minor = minor - @minor - @fee WHERE id = @from;
      UPDATE tb_account SET minor = minor + @minor WHERE id = @to;
      UPDATE tb_account SET minor = minor + @fee WHERE id = 'FEES' AND @fee <> 0;
      UPDATE tb_quote SET used_by = @id WHERE id = @quote;
      UPDATE tb_request SET available = @held - @minor - @fee WHERE id = @id;
    END;
    UPDATE tb_request SET result = @code WHERE id = @id;
  END;
  EXEC tb_outcome @id, @content;
END;
GO
-- Knows no last day ({@expiry}) yet, and nothing confirms or lifts a report: add both as the
-- PostgreSQL stubs have them, or leave card.confirm_loss and card.lift_loss out of the profile.
CREATE PROCEDURE tb_report_loss @id VARCHAR(64), @reference VARCHAR(12), @card VARCHAR(19),
  @ident VARCHAR(20) AS
BEGIN
  SET NOCOUNT ON;
  DECLARE @claimed INT;
  EXEC @claimed = tb_claim @id, 'loss';
  IF @claimed = 1
  BEGIN
    UPDATE tb_card SET hot_at = COALESCE(hot_at, SYSDATETIME()) WHERE number = @card AND ident = @ident;
    DECLARE @code CHAR(2) = CASE WHEN @@ROWCOUNT = 1 THEN '00' ELSE '25' END;
    UPDATE tb_request SET result = @code, reference = @reference, payer = @card WHERE id = @id;
  END;
  EXEC tb_outcome @id;
END;
GO
CREATE PROCEDURE tb_status @id VARCHAR(64) AS
BEGIN
  SET NOCOUNT ON;
  EXEC tb_claim @id;   -- barred from now on
  EXEC tb_outcome @id;
END;
GO
CREATE PROCEDURE tb_reverse @id VARCHAR(64), @reason VARCHAR(40) AS
BEGIN
  SET NOCOUNT ON;
  DECLARE @payer VARCHAR(28), @payee VARCHAR(28), @minor BIGINT, @fee BIGINT, @code CHAR(2) = 'NP';
  EXEC tb_claim @id;   -- barred from now on
  UPDATE tb_request SET @code = '00', @payer = payer, @payee = payee, @minor = minor, @fee = fee,
    reversed_at = SYSDATETIME(), reverse_reason = @reason
    WHERE id = @id AND service = 'transfer' AND result = '00' AND reversed_at IS NULL;
  IF @code = '00'
  BEGIN
    UPDATE tb_account SET minor = minor + @minor + @fee
      WHERE id = (SELECT account FROM tb_card WHERE number = @payer);
    UPDATE tb_account SET minor = minor - @minor
      WHERE id = (SELECT account FROM tb_card WHERE number = @payee);
    UPDATE tb_account SET minor = minor - @fee WHERE id = 'FEES' AND @fee <> 0;
  END;
  SELECT CASE WHEN reversed_at IS NULL THEN 'NP' ELSE '00' END AS result FROM tb_request WHERE id = @id;
END;
GO
CREATE PROCEDURE tb_totals @date DATE AS
  SELECT s.side, r.currency, COUNT(*) AS number,
    SUM(r.minor + CASE s.side WHEN 'D' THEN r.fee ELSE 0 END) AS minor
  FROM tb_request r CROSS JOIN (VALUES ('D'), ('C')) s (side)
  WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_at IS NULL AND r.business_date = @date
  GROUP BY s.side, r.currency;
GO
