-- The folder of a request's session: the session may be deleted, and a path alone names no file.
-- Rows from before have none; where their session is still there, it tells.
alter table ledger add column folder text;

pragma user_version = 3;
