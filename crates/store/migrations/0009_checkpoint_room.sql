-- When what a checkpoint held was given up to stay within the room for checkpoints; none: it can be brought back.
alter table checkpoint add column gone_at integer;

pragma user_version = 9;
