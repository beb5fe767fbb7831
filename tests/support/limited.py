"""The limits that the shipped contracts name."""

LIMITED = ("transfer_daily", "payee_daily", "bill_daily", "corporate_daily")
