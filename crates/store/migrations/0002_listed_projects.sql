-- A project that the user took off the list keeps its row, because its sessions stay.
alter table project add column listed integer not null default 1;

pragma user_version = 2;
