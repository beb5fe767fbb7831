-- telebank: ready procedures for the bank's database people. PostgreSQL 12 or later; tested.
--
-- Three parts. (1) Ours: tables of requests and quotes; keep them. (2) The bank's: accounts and
-- cards, here only so that this file runs as it stands; put your own core in their place. (3) The
-- procedures that the gateway calls; keep their names, parameters and columns, change their bodies.
--
-- What must stay true, whatever you change:
--   * The request's row in telebank.request and its postings are written in ONE transaction. No
--     procedure commits; the gateway does. No dblink, no autonomous transaction.
--   * A request id is claimed by inserting its row FIRST; the primary key then makes a twin wait.
--     The same id again returns the first result, with other content 'DC'.
--   * status() and reverse() insert the row where there is none. From then on that id is barred:
--     what is still on its way finds its id taken. So "not posted" stays true for ever.
--   * Money is bigint, in minor units (fen, cents) of the currency. No floating point.
--   * Accounts are locked in the order of their ids and FEES last, so that no two requests can wait
--     for each other.
--
-- Result codes are those of ISO 8583 field 39 where there is one; NP not posted, RV reversed,
-- DC other content.
CREATE SCHEMA telebank;

-- (1) ours ---------------------------------------------------------------------------------------

CREATE TABLE telebank.quote (
  request text PRIMARY KEY,
  id text NOT NULL UNIQUE,
  payer text NOT NULL,
  payee text NOT NULL,
  currency char(3) NOT NULL,
  minor bigint NOT NULL CHECK (minor > 0),
  fee bigint NOT NULL CHECK (fee >= 0),
  expires_at timestamptz NOT NULL,
  used_by text
);

CREATE TABLE telebank.request (
  id text PRIMARY KEY,
  service text NOT NULL DEFAULT '',
  content text NOT NULL DEFAULT '',
  payer text,
  payee text,
  currency char(3),
  minor bigint NOT NULL DEFAULT 0,
  fee bigint NOT NULL DEFAULT 0,
  reference text NOT NULL DEFAULT '',
  result text NOT NULL DEFAULT 'NP',
  available bigint,
  business_date date,
  at timestamptz NOT NULL DEFAULT now(),
  reversed_at timestamptz,
  reversed_on date,
  reverse_reason text
);
CREATE INDEX request_by_date ON telebank.request (business_date);

-- (2) the bank's; put your own in their place ------------------------------------------------------

CREATE TABLE telebank.day (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  business_date date NOT NULL
);
INSERT INTO telebank.day (business_date) VALUES (current_date);

CREATE TABLE telebank.account (
  id text PRIMARY KEY,
  currency char(3) NOT NULL,
  minor bigint NOT NULL,
  open boolean NOT NULL DEFAULT true
);
INSERT INTO telebank.account VALUES ('FEES', 'CNY', 0, true);

CREATE TABLE telebank.card (
  number text PRIMARY KEY,
  account text NOT NULL REFERENCES telebank.account,
  holder text NOT NULL,
  identity text NOT NULL,
  hot_at timestamptz,
  hot_until date,                       -- last business date of the stop; NULL: for good
  pin_salt text NOT NULL DEFAULT gen_random_uuid()::text,
  pin_hash bytea,                       -- NULL: this card has no telephone PIN
  pin_wrong integer NOT NULL DEFAULT 0
);

CREATE TABLE telebank.entry (
  request text NOT NULL,
  account text NOT NULL REFERENCES telebank.account,
  minor bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX entry_by_request ON telebank.entry (request);

-- (3) the procedures -------------------------------------------------------------------------------

CREATE FUNCTION telebank.today() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telebank, pg_temp
AS 'SELECT business_date FROM telebank.day';

-- Whether a card is stopped on the business date.
CREATE FUNCTION telebank.stopped(p_card telebank.card) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
  SELECT p_card.hot_at IS NOT NULL
    AND (p_card.hot_until IS NULL OR p_card.hot_until >= telebank.today())
$$;

-- Whether a card may act: NULL, or the code that says why not.
CREATE FUNCTION telebank.refusal(p_card text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
  SELECT CASE
    WHEN NOT EXISTS (SELECT FROM card WHERE number = p_card) THEN '14'
    WHEN EXISTS (SELECT FROM card c WHERE c.number = p_card AND stopped(c)) THEN '41'
    WHEN NOT EXISTS (SELECT FROM card c JOIN account a ON a.id = c.account
                     WHERE c.number = p_card AND a.open) THEN '39'
  END
$$;

-- Move money between two accounts and the fees, once the caller knows that it may.
CREATE FUNCTION telebank.post(p_id text, p_from text, p_to text, p_minor bigint, p_fee bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
BEGIN
  UPDATE account SET minor = minor - p_minor - p_fee WHERE id = p_from;
  UPDATE account SET minor = minor + p_minor WHERE id = p_to;
  UPDATE account SET minor = minor + p_fee WHERE id = 'FEES' AND p_fee <> 0;
  INSERT INTO entry (request, account, minor)
    VALUES (p_id, p_from, -p_minor - p_fee), (p_id, p_to, p_minor), (p_id, 'FEES', p_fee);
END
$$;

-- The bank's own way of keeping a telephone PIN goes here; slow hashes (pgcrypto) or a security
-- module are better than this. Three wrong ones in a row lock it.
CREATE FUNCTION telebank.pin_hash(p_salt text, p_pin text) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = telebank, pg_temp
AS $$ SELECT sha256(convert_to(p_salt || '|' || p_pin, 'UTF8')) $$;

CREATE FUNCTION telebank.verify_pin(p_card text, p_pin text) RETURNS TABLE (result text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE v_card card; v_code text;
BEGIN
  SELECT * INTO v_card FROM card WHERE number = p_card FOR UPDATE;
  v_code := CASE
    WHEN v_card.number IS NULL THEN '14'
    WHEN stopped(v_card) THEN '41'
    WHEN v_card.pin_wrong >= 3 THEN '75'
    WHEN v_card.pin_hash = telebank.pin_hash(v_card.pin_salt, p_pin) THEN '00'
    ELSE '55' END;
  UPDATE card SET pin_wrong = CASE v_code WHEN '00' THEN 0 ELSE pin_wrong + 1 END
    WHERE number = p_card AND v_code IN ('00', '55');
  RETURN QUERY SELECT v_code;
END
$$;

-- A new telephone PIN. The request's row has neither: what is asked again is told the first result.
CREATE FUNCTION telebank.change_pin(p_id text, p_card text, p_pin text, p_new text)
RETURNS TABLE (result text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE v_code text;
BEGIN
  INSERT INTO request (id, service, content, payer, business_date)
    VALUES (p_id, 'pin', p_card, p_card, telebank.today())
    ON CONFLICT (id) DO NOTHING;
  IF FOUND THEN
    SELECT v.result INTO v_code FROM telebank.verify_pin(p_card, p_pin) v;
    IF v_code = '00' AND length(p_new) < 6 THEN
      v_code := '57';
    ELSIF v_code = '00' THEN
      UPDATE card SET pin_hash = telebank.pin_hash(pin_salt, p_new) WHERE number = p_card;
    END IF;
    UPDATE request r SET result = v_code WHERE r.id = p_id;
  END IF;
  RETURN QUERY SELECT r.result FROM request r WHERE r.id = p_id;
END
$$;

CREATE FUNCTION telebank.balance(p_card text)
RETURNS TABLE (result text, available bigint, ledger bigint, currency char(3), business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE v_code text := telebank.refusal(p_card);
BEGIN
  IF v_code IS NOT NULL THEN
    RETURN QUERY SELECT v_code, NULL::bigint, NULL::bigint, NULL::char(3), telebank.today();
    RETURN;
  END IF;
  RETURN QUERY SELECT '00', a.minor, a.minor, a.currency, telebank.today()
    FROM card c JOIN account a ON a.id = c.account WHERE c.number = p_card;
END
$$;

CREATE FUNCTION telebank.quote(
  p_id text, p_payer text, p_payee text, p_minor bigint, p_currency text)
RETURNS TABLE (result text, quote text, fee bigint, currency char(3), payee_masked text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE
  v_code text := telebank.refusal(p_payer);
  v_from account; v_to account; v_fee bigint; v_quote text;
BEGIN
  SELECT a.* INTO v_from FROM card c JOIN account a ON a.id = c.account WHERE c.number = p_payer;
  SELECT a.* INTO v_to FROM card c JOIN account a ON a.id = c.account
    WHERE c.number = p_payee AND a.open AND NOT stopped(c);
  v_fee := CASE WHEN p_minor >= 100000 THEN 200 ELSE 0 END;   -- the bank's own tariff here
  v_code := coalesce(v_code, CASE
    WHEN v_to.id IS NULL OR v_to.id = v_from.id THEN '15'
    WHEN v_from.currency <> p_currency OR v_to.currency <> p_currency THEN '13'
    WHEN p_minor <= 0 THEN '13'
    WHEN v_from.minor < p_minor + v_fee THEN '51'
    ELSE '00' END);
  IF v_code = '00' THEN
    INSERT INTO quote AS q
      VALUES (p_id, 'Q' || replace(gen_random_uuid()::text, '-', ''), p_payer, p_payee, p_currency,
              p_minor, v_fee, now() + interval '5 minutes', NULL)
      ON CONFLICT (request) DO UPDATE SET request = excluded.request
      RETURNING q.id, q.fee INTO v_quote, v_fee;
  END IF;
  -- The payee is read back as the card's first six and last four digits. A bank whose menus read a
  -- name puts it here, masked.
  RETURN QUERY SELECT v_code, v_quote, v_fee, p_currency::char(3),
    left(p_payee, 6) || repeat('*', length(p_payee) - 10) || right(p_payee, 4);
END
$$;

-- What the gateway reads of a request, for a first answer, a twin's and a status query alike.
CREATE FUNCTION telebank.outcome(p_id text)
RETURNS TABLE (result text, reference text, available bigint, currency char(3), at timestamptz,
               business_date date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
  SELECT CASE WHEN r.reversed_at IS NOT NULL THEN 'RV' ELSE r.result END, r.reference, r.available,
         r.currency, r.at, coalesce(r.business_date, telebank.today())
  FROM request r WHERE r.id = p_id
$$;

CREATE FUNCTION telebank.transfer(
  p_id text, p_reference text, p_quote text, p_payer text, p_payee text, p_minor bigint,
  p_currency text, p_fee bigint)
RETURNS TABLE (result text, reference text, available bigint, currency char(3), at timestamptz,
               business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE
  v_content text := concat_ws('|', p_quote, p_payer, p_payee, p_minor, p_currency, p_fee);
  v_quote quote; v_from account; v_to account; v_code text;
BEGIN
  INSERT INTO request (id, service, content, payer, payee, currency, minor, fee, reference, business_date)
    VALUES (p_id, 'transfer', v_content, p_payer, p_payee, p_currency, p_minor, p_fee, p_reference,
            telebank.today())
    ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN                                    -- a twin, or barred: the first result
    RETURN QUERY
      SELECT CASE WHEN r.content IN ('', v_content) THEN o.result ELSE 'DC' END,
             o.reference, o.available, o.currency, o.at, o.business_date
      FROM request r, telebank.outcome(p_id) o WHERE r.id = p_id;
    RETURN;
  END IF;
  SELECT * INTO v_quote FROM quote WHERE id = p_quote FOR UPDATE;
  PERFORM FROM account a WHERE a.id IN (SELECT account FROM card WHERE number IN (p_payer, p_payee))
    ORDER BY a.id FOR UPDATE;
  SELECT a.* INTO v_from FROM card c JOIN account a ON a.id = c.account WHERE c.number = p_payer;
  SELECT a.* INTO v_to FROM card c JOIN account a ON a.id = c.account
    WHERE c.number = p_payee AND a.open AND NOT stopped(c);
  v_code := coalesce(telebank.refusal(p_payer), CASE
    WHEN v_to.id IS NULL THEN '15'
    WHEN v_quote.id IS NULL OR v_quote.used_by IS NOT NULL OR v_quote.expires_at < now() THEN '05'
    WHEN (v_quote.payer, v_quote.payee, v_quote.minor, v_quote.currency::text, v_quote.fee)
      IS DISTINCT FROM (p_payer, p_payee, p_minor, p_currency, p_fee) THEN '05'
    WHEN v_from.minor < p_minor + p_fee THEN '51'
    ELSE '00' END);
  IF v_code = '00' THEN
    PERFORM telebank.post(p_id, v_from.id, v_to.id, p_minor, p_fee);
    UPDATE quote SET used_by = p_id WHERE id = p_quote;
    UPDATE request r SET available = v_from.minor - p_minor - p_fee WHERE r.id = p_id;
  END IF;
  UPDATE request r SET result = v_code WHERE r.id = p_id;
  RETURN QUERY SELECT * FROM telebank.outcome(p_id);
END
$$;

-- Stopped to the end of p_until (NULL: for good). A card that is stopped already keeps the later
-- of the two days; one that is stopped for good stays so.
CREATE FUNCTION telebank.report_loss(p_id text, p_reference text, p_card text, p_identity text,
                                     p_until date)
RETURNS TABLE (result text, reference text, available bigint, currency char(3), at timestamptz,
               business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
BEGIN
  INSERT INTO request (id, service, content, payer, reference, business_date)
    VALUES (p_id, 'loss', concat_ws('|', p_card, p_identity), p_card, p_reference, telebank.today())
    ON CONFLICT (id) DO NOTHING;
  IF FOUND THEN
    UPDATE card c SET hot_at = CASE WHEN stopped(c) THEN c.hot_at ELSE now() END, hot_until = CASE
        WHEN NOT stopped(c) OR p_until IS NULL THEN p_until
        WHEN c.hot_until IS NULL THEN NULL ELSE greatest(c.hot_until, p_until) END
      WHERE c.number = p_card AND c.identity = p_identity;
    UPDATE request r SET result = CASE WHEN FOUND THEN '00' ELSE '25' END WHERE r.id = p_id;
  END IF;
  RETURN QUERY SELECT * FROM telebank.outcome(p_id);
END
$$;

-- The customer signed (p_lift false): stopped for good. Or the card was found: it may act again.
CREATE FUNCTION telebank.decide_loss(p_id text, p_reference text, p_card text, p_lift boolean)
RETURNS TABLE (result text, reference text, available bigint, currency char(3), at timestamptz,
               business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
BEGIN
  INSERT INTO request (id, service, content, payer, reference, business_date)
    VALUES (p_id, CASE WHEN p_lift THEN 'lift' ELSE 'confirm' END, p_card, p_card, p_reference,
            telebank.today())
    ON CONFLICT (id) DO NOTHING;
  IF FOUND THEN
    UPDATE card c SET hot_until = NULL, hot_at = CASE WHEN p_lift THEN NULL
        WHEN stopped(c) THEN c.hot_at ELSE now() END WHERE c.number = p_card;
    UPDATE request r SET result = CASE WHEN FOUND THEN '00' ELSE '14' END WHERE r.id = p_id;
  END IF;
  RETURN QUERY SELECT * FROM telebank.outcome(p_id);
END
$$;

CREATE FUNCTION telebank.status(p_id text)
RETURNS TABLE (result text, reference text, available bigint, currency char(3), at timestamptz,
               business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
BEGIN
  INSERT INTO request (id) VALUES (p_id) ON CONFLICT (id) DO NOTHING;    -- barred from now on
  RETURN QUERY SELECT * FROM telebank.outcome(p_id);
END
$$;

CREATE FUNCTION telebank.reverse(p_id text, p_reason text)
RETURNS TABLE (result text, business_date date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
DECLARE v_row request;
BEGIN
  INSERT INTO request (id) VALUES (p_id) ON CONFLICT (id) DO NOTHING;    -- barred from now on
  SELECT * INTO v_row FROM request WHERE id = p_id FOR UPDATE;
  IF v_row.service <> 'transfer' OR v_row.result <> '00' THEN
    RETURN QUERY SELECT 'NP', telebank.today();
    RETURN;
  END IF;
  IF v_row.reversed_at IS NULL THEN
    PERFORM FROM account a WHERE a.id IN (SELECT account FROM entry WHERE request = p_id)
      AND a.id <> 'FEES' ORDER BY a.id FOR UPDATE;
    UPDATE account a SET minor = a.minor - e.minor
      FROM (SELECT account, sum(minor) AS minor FROM entry WHERE request = p_id GROUP BY account) e
      WHERE a.id = e.account;
    INSERT INTO entry (request, account, minor)
      SELECT request, account, -minor FROM entry WHERE request = p_id;
    UPDATE request SET reversed_at = now(), reversed_on = telebank.today(), reverse_reason = p_reason
      WHERE id = p_id;
  END IF;
  RETURN QUERY SELECT '00', telebank.today();
END
$$;

-- Totals of a day, as the ISO 8583 message 0510 has them: D taken from customers, C given to them,
-- DR and CR their reversals (the original stays counted), FEE the fees, reversed ones taken off.
CREATE FUNCTION telebank.totals(p_date date)
RETURNS TABLE (side text, currency char(3), number bigint, minor bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telebank, pg_temp AS $$
  SELECT t.side, t.currency, count(*), sum(t.minor)::bigint
  FROM (
    SELECT s.side, r.currency, CASE s.side WHEN 'D' THEN r.minor ELSE r.fee END AS minor
    FROM request r, (VALUES ('D'), ('FEE')) AS s (side)
    WHERE r.service = 'transfer' AND r.result = '00' AND r.business_date = p_date
    UNION ALL
    SELECT s.side, r.currency, CASE s.side WHEN 'DR' THEN r.minor ELSE -r.fee END
    FROM request r, (VALUES ('DR'), ('FEE')) AS s (side)
    WHERE r.service = 'transfer' AND r.result = '00' AND r.reversed_on = p_date
  ) AS t
  GROUP BY t.side, t.currency
$$;

-- The gateway's login may call these and read nothing. Give it a password with \password.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'telebank_gateway') THEN
    CREATE ROLE telebank_gateway LOGIN;
  END IF;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA telebank FROM PUBLIC;
GRANT USAGE ON SCHEMA telebank TO telebank_gateway;
GRANT EXECUTE ON FUNCTION telebank.today(), telebank.balance(text), telebank.verify_pin(text, text),
  telebank.change_pin(text, text, text, text),
  telebank.quote(text, text, text, bigint, text),
  telebank.transfer(text, text, text, text, text, bigint, text, bigint),
  telebank.report_loss(text, text, text, text, date),
  telebank.decide_loss(text, text, text, boolean), telebank.status(text),
  telebank.reverse(text, text), telebank.totals(date) TO telebank_gateway;
